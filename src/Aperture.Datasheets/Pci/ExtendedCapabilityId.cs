namespace Aperture.Datasheets.Pci;

/// <summary>What an extended capability is. Source: PCI Code and ID Assignment Specification, chapter 3.</summary>
public enum ExtendedCapabilityId : ushort
{
    /// <summary>None: the end of the list.</summary>
    None = 0x0000,

    /// <summary>Access control services.</summary>
    Acs = 0x000D,

    /// <summary>Alternative routing ids.</summary>
    Ari = 0x000E,

    /// <summary>Address translation services.</summary>
    Ats = 0x000F,

    /// <summary>Single root I/O virtualisation.</summary>
    Sriov = 0x0010,

    /// <summary>Page requests.</summary>
    Pri = 0x0013,

    /// <summary>Process address space ids.</summary>
    Pasid = 0x001B,
}
