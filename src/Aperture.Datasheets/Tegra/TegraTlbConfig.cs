namespace Aperture.Datasheets.Tegra;

/// <summary>SMMU_TLB_CONFIG.</summary>
/// <remarks><code>
/// 31   30   29               28                    5            0
/// |STAT|TEST|HIT_UNDER_MISS|ROUND_ROBIN (T124 on)|  ACTIVE_LINES |   (ACTIVE_LINES: 5 bits on Tegra30)
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct TegraTlbConfig(uint Value)
{
    /// <summary>Value after reset: sixteen lines.</summary>
    public const uint ResetValue = HitUnderMissBit | 0x10;

    /// <summary>Bit 29: hits pass while a miss waits.</summary>
    public const uint HitUnderMissBit = 1u << 29;

    /// <summary>Bit 28: misses are served in turn (Tegra124 on).</summary>
    public const uint RoundRobinBit = 1u << 28;

    /// <summary>The bits of the number of active lines.</summary>
    public const uint LinesMask = 0x3F;

    /// <summary>What drivers write: all lines in use.</summary>
    public static TegraTlbConfig For(TegraSoc soc)
    {
        ArgumentNullException.ThrowIfNull(soc);
        return new(HitUnderMissBit | (soc.HasRoundRobin ? RoundRobinBit : 0) | (uint)soc.TlbLines);
    }

    /// <summary>Lines in use.</summary>
    /// <param name="soc">Whose register it is: on Tegra30 the field has no room for 32, which therefore means none.</param>
    public int Lines(TegraSoc soc)
    {
        ArgumentNullException.ThrowIfNull(soc);
        return (int)Math.Min(Value & soc.TlbLinesMask, (uint)soc.TlbLines);
    }
}
