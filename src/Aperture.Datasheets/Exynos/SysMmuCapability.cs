namespace Aperture.Datasheets.Exynos;

/// <summary>MMU_CAPA of versions 5 and 6 (source: vendor driver register lists).</summary>
/// <remarks><code>
/// 31  24 23        20 19          8 7           0
/// |  -  | PB PRESENT |  L2 ENTRIES | L1 ENTRIES |
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct SysMmuCapability(uint Value)
{
    /// <summary>Number of entries of the L1 TLB.</summary>
    public uint TlbEntries => Value & 0xFF;

    /// <summary>Number of entries of the L2 TLB; zero when there is none.</summary>
    public uint L2TlbEntries => (Value >> 8) & 0xFFF;

    /// <summary>Not zero when there are prefetch buffers.</summary>
    public uint PrefetchBuffers => (Value >> 20) & 0xF;
}
