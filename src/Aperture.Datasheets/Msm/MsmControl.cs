namespace Aperture.Datasheets.Msm;

/// <summary>CR.</summary>
/// <remarks><code>
/// 9     8            7           6          5       4         3      2       1       0
/// HUME  TLBIVMIDCFG  TLBIALLCFG  TLBLKCRWE  STALLD  CLIENTPD  DCDEE  RPUEIE  RPUERE  RPUE
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmControl(uint Bits)
{
    /// <summary>RPUEIE: global errors raise an interrupt (inferred).</summary>
    public const uint ErrorInterruptBit = 1u << 2;

    /// <summary>CLIENTPD: no access is translated (inferred, as in Arm's SMMU).</summary>
    public const uint ClientsPassBit = 1u << 4;

    /// <summary>STALLD: no access is stalled (inferred, as in Arm's SMMU).</summary>
    public const uint StallDisabledBit = 1u << 5;

    /// <summary>TLBLKCRWE: TLBLKCR of the banks can be written.</summary>
    public const uint LockWritableBit = 1u << 6;

    /// <summary>TLBIALLCFG: GLOBAL_TLBIALL removes locked entries as well (inferred).</summary>
    public const uint InvalidatesLockedBit = 1u << 7;

    /// <summary>TLBIVMIDCFG: TLBIVMID removes locked entries as well (inferred).</summary>
    public const uint VmidInvalidatesLockedBit = 1u << 8;
}
