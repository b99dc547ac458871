namespace Aperture.Datasheets.Exynos;

/// <summary>Selector of a TLB read window of version 7 (source: vendor driver register lists).</summary>
/// <remarks><code>
/// 31  20 19   16 15    8 7    0
/// |  TID | LINE |  WAY  |  SET |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuTlbSelector(uint Value)
{
    /// <summary>Set.</summary>
    public uint Set => Value & 0xFF;

    /// <summary>Way.</summary>
    public uint Way => (Value >> 8) & 0xFF;

    /// <summary>Sub-line of an entry.</summary>
    public uint Line => (Value >> 16) & 0xF;

    /// <summary>Which TLB.</summary>
    public uint Tlb => Value >> 20;
}
