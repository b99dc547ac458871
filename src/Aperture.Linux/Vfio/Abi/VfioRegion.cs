namespace Aperture.Linux.Vfio.Abi;

/// <summary>The regions of a PCI function.</summary>
internal enum VfioRegion : uint
{
    /// <summary>The first BAR; the others follow.</summary>
    Bar0 = 0,

    /// <summary>The last BAR.</summary>
    Bar5 = 5,

    /// <summary>The expansion ROM.</summary>
    Rom = 6,

    /// <summary>Configuration space.</summary>
    Configuration = 7,

    /// <summary>Legacy VGA.</summary>
    Vga = 8,
}
