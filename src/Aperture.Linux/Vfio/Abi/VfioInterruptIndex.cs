namespace Aperture.Linux.Vfio.Abi;

/// <summary>The interrupt indexes of a PCI function.</summary>
internal enum VfioInterruptIndex : uint
{
    /// <summary>The pin.</summary>
    Intx = 0,

    /// <summary>MSI.</summary>
    Msi = 1,

    /// <summary>MSI-X.</summary>
    Msix = 2,

    /// <summary>Uncorrectable errors.</summary>
    Error = 3,

    /// <summary>The kernel wants the device back.</summary>
    Request = 4,
}
