namespace Aperture.Datasheets.Omap;

/// <summary>A first-level descriptor: 4096 of them map 1 MiB each.</summary>
/// <remarks><code>
/// fault          31                                        2 1 0   also 1 1
/// table          [ second-level table, 31:10 ][ ignored    ] 0 1
/// section        [31:20 address]  [18 = 0] [17 M] [15 E] [11:10 ES] 1 0
/// supersection   [31:24 address]  [18 = 1] [17 M] [15 E] [11:10 ES] 1 0   in 16 consecutive, 16-aligned entries
/// </code>
/// Source: TMS320C6A816x TRM, System MMU (the same block).</remarks>
/// <param name="Bits">The word.</param>
public readonly record struct OmapFirstLevelDescriptor(uint Bits)
{
    /// <summary>Whether it leads to a second-level table.</summary>
    public bool IsTable => (Bits & 3) == 1;

    /// <summary>Whether it maps a section or supersection.</summary>
    public bool IsLeaf => (Bits & 3) == 2;

    /// <summary>Size of the page that a leaf maps.</summary>
    public OmapPageSize Size => (Bits & (1 << 18)) != 0 ? OmapPageSize.Supersection : OmapPageSize.Section;

    /// <summary>Address of the second-level table, 1 KiB aligned.</summary>
    public uint Table => Bits & 0xFFFFFC00;

    /// <summary>Address and attributes of a leaf, arranged as in a TLB entry.</summary>
    public OmapRam Ram => new(
        (Bits & OmapCam.MaskOf(Size))   // address
        | ((Bits & 0x8000) >> 6)        // E:  15 to 9
        | ((Bits & 0xC00) >> 3)         // ES: 11:10 to 8:7
        | ((Bits & 0x20000) >> 11));    // M:  17 to 6
}
