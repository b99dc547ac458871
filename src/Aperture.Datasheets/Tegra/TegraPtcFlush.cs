namespace Aperture.Datasheets.Tegra;

/// <summary>SMMU_PTC_FLUSH.</summary>
/// <remarks><code>
/// 31            4     0
/// | ADDRESS 31:4 |   |T|   T: 0 everything, 1 the atom at the address, whose bits 33:32 are in SMMU_PTC_FLUSH_HI
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct TegraPtcFlush(uint Value)
{
    /// <summary>Bit 0: flush by address.</summary>
    public const uint ByAddressBit = 1u << 0;

    /// <summary>Flush everything.</summary>
    public static TegraPtcFlush All => default;

    /// <summary>Flush the atom at an address.</summary>
    /// <param name="address">Physical address, a multiple of the atom.</param>
    public static TegraPtcFlush At(ulong address) => new((uint)address | ByAddressBit);

    /// <summary>Whether only one atom is flushed.</summary>
    public bool IsByAddress => (Value & ByAddressBit) != 0;

    /// <summary>Bits 31:4 of the address.</summary>
    public uint Address => Value & ~0xFu;
}
