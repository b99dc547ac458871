namespace Aperture.Datasheets.Pci;

/// <summary>What a capability below offset 256 is. Source: PCI Code and ID Assignment Specification, chapter 2.</summary>
public enum CapabilityId : byte
{
    /// <summary>Power management.</summary>
    PowerManagement = 0x01,

    /// <summary>Message-signalled interrupts.</summary>
    Msi = 0x05,

    /// <summary>PCI Express.</summary>
    Express = 0x10,

    /// <summary>Message-signalled interrupts by a table.</summary>
    Msix = 0x11,
}
