namespace Aperture.Datasheets.Tegra;

/// <summary>SMMU_PTC_CONFIG: the cache of table words.</summary>
/// <remarks><code>
/// 31   30   29           27         24          5         0
/// |STAT|TEST|CACHE_ENABLE| REQ_LIMIT |         | INDEX_MAP |   (REQ_LIMIT: Tegra124 on)
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct TegraPtcConfig(uint Value)
{
    /// <summary>Value after reset.</summary>
    public const uint ResetValue = EnableBit | IndexMask;

    /// <summary>Bit 29: words are kept.</summary>
    public const uint EnableBit = 1u << 29;

    /// <summary>The bits of the pattern that spreads addresses over the cache.</summary>
    public const uint IndexMask = 0x3F;

    private const uint RequestLimit8 = 8u << 24;

    /// <summary>What drivers write: on, full pattern, eight requests at a time where that can be limited.</summary>
    public static TegraPtcConfig For(TegraSoc soc)
    {
        ArgumentNullException.ThrowIfNull(soc);
        return new(EnableBit | (soc.HasRequestLimit ? RequestLimit8 : 0) | IndexMask);
    }

    /// <summary>Whether words are kept.</summary>
    public bool IsEnabled => (Value & EnableBit) != 0;

    /// <summary>The pattern.</summary>
    public uint IndexMap => Value & IndexMask;
}
