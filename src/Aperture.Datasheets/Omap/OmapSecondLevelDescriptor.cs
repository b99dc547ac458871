namespace Aperture.Datasheets.Omap;

/// <summary>A second-level descriptor: 256 of them map 4 KiB each.</summary>
/// <remarks><code>
/// fault        31                                    2 1 0
/// large page   [31:16 address] [11 M] [9 E] [5:4 ES]   0 1   in 16 consecutive, 16-aligned entries
/// small page   [31:12 address] [11 M] [9 E] [5:4 ES]   1 x
/// </code>
/// Source: TMS320C6A816x TRM, System MMU (the same block); the attributes' places also from recorded driver behaviour.</remarks>
/// <param name="Bits">The word.</param>
public readonly record struct OmapSecondLevelDescriptor(uint Bits)
{
    /// <summary>Whether it maps a page.</summary>
    public bool IsLeaf => (Bits & 3) != 0;

    /// <summary>Size of the page that a leaf maps.</summary>
    public OmapPageSize Size => (Bits & 2) != 0 ? OmapPageSize.SmallPage : OmapPageSize.LargePage;

    /// <summary>Address and attributes of a leaf, arranged as in a TLB entry.</summary>
    public OmapRam Ram => new(
        (Bits & OmapCam.MaskOf(Size))   // address
        | (Bits & 0x200)                // E:  9 to 9
        | ((Bits & 0x30) << 3)          // ES: 5:4 to 8:7
        | ((Bits & 0x800) >> 5));       // M:  11 to 6
}
