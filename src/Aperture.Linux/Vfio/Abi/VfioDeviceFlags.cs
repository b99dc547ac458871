namespace Aperture.Linux.Vfio.Abi;

/// <summary>Kind of a device.</summary>
[Flags]
internal enum VfioDeviceFlags : uint
{
    /// <summary>Unknown.</summary>
    None = 0,

    /// <summary>It can be reset.</summary>
    Reset = 1,

    /// <summary>A PCI function.</summary>
    Pci = 2,

    /// <summary>Capabilities follow.</summary>
    Capabilities = 0x80,
}
