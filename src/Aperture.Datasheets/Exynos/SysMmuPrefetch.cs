namespace Aperture.Datasheets.Exynos;

/// <summary>How many prefetch buffers a PB_LMM preset leaves usable (versions 3.3 and 5; source: vendor driver tables).</summary>
public static class SysMmuPrefetch
{
    /// <summary>PB_CFG bit 0: the selected buffer is on.</summary>
    public const uint EnableBit = 1u << 0;

    /// <summary>The number of usable buffers.</summary>
    /// <param name="buffers">What PB_INFO tells: 3, 4 or 6.</param>
    /// <param name="layout">The PB_LMM preset.</param>
    /// <returns>0 for a combination that is not in the tables.</returns>
    public static int UsableBuffers(int buffers, uint layout) => (buffers, layout) switch
    {
        (3, 0) => 3,
        (3, 1) => 2,
        (4, <= 3) => 4 - (int)layout,
        (6, <= 3) => 6 - (int)layout,
        (6, 4) => 3,
        (6, 5) => 2,
        _ => 0,
    };
}
