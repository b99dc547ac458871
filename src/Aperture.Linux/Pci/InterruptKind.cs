namespace Aperture.Linux.Pci;

/// <summary>How a PCI function tells of interrupts.</summary>
public enum InterruptKind
{
    /// <summary>The best that the function has: MSI-X, MSI, or the pin.</summary>
    Best,

    /// <summary>The pin: a level that other functions may share.</summary>
    Pin,

    /// <summary>Messages.</summary>
    Msi,

    /// <summary>Messages by a table in one of the BARs.</summary>
    Msix,

    /// <summary>None.</summary>
    None,
}
