namespace Aperture.Datasheets.Msm;

/// <summary>TLBLKCR of a context bank. The meaning of the CFG bits, and that the floor is the first entry that is not locked, are
/// inferred.</summary>
/// <remarks><code>
/// 23:16   15:8   3           2            1           0
/// VICTIM  FLOOR  TLBIVAACFG  TLBIASIDCFG  TLBIALLCFG  LKE
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmTlbLock(uint Bits)
{
    /// <summary>LKE: the entries below the floor are locked.</summary>
    public const uint EnableBit = 1u << 0;

    /// <summary>TLBIALLCFG: CTX_TLBIALL removes locked entries as well.</summary>
    public const uint AllInvalidatesLockedBit = 1u << 1;

    /// <summary>TLBIASIDCFG: TLBIASID removes locked entries as well.</summary>
    public const uint AsidInvalidatesLockedBit = 1u << 2;

    /// <summary>TLBIVAACFG: TLBIVAA and TLBIVA remove locked entries as well.</summary>
    public const uint AddressInvalidatesLockedBit = 1u << 3;

    /// <summary>Number of locked entries, from entry 0 on.</summary>
    public int Locked => (Bits & EnableBit) != 0 ? (int)(Bits >> 8 & 0xFF) : 0;
}
