namespace Aperture.Datasheets.Msm;

/// <summary>ACTLR of a context bank.</summary>
/// <remarks><code>
/// 23:21      20      18    17:16   15     14     13:12    11       10   9:8      6      5      4      3:2      1      0
/// PTMEMTYPE  PTMTCFG HUME  V2PCFG  TIPCF  CFCFG  TLBMCFG  DNLV2PA  DNA  PRIVCFG  RCNSH  RCISH  RCOSH  PTSHCFG  CFEIE  CFERE
/// </code></remarks>
/// <param name="Bits">The register.</param>
public readonly record struct MsmAuxiliaryControl(uint Bits)
{
    /// <summary>CFEIE: faults raise the bank's interrupt.</summary>
    public const uint FaultInterruptBit = 1u << 1;

    /// <summary>RCOSH, RCISH, RCNSH: cacheable accesses are redirected to the L2 cache.</summary>
    public const uint RedirectBits = 7u << 4;

    /// <summary>DNA: walks leave nothing in the TLB (inferred from the name).</summary>
    public const uint NoAllocationBit = 1u << 10;

    /// <summary>DNLV2PA: translation operations leave nothing in the TLB (inferred from the name).</summary>
    public const uint NoOperationAllocationBit = 1u << 11;

    /// <summary>TLBMCFG = 3: an access that misses the TLB is walked.</summary>
    public const uint MissWalks = 3u << 12;

    /// <summary>CFCFG: a faulting access stalls; clear, it ends (inferred).</summary>
    public const uint StallBit = 1u << 14;

    /// <summary>V2PCFG = 3: a translation operation that misses the TLB is walked.</summary>
    public const uint OperationWalks = 3u << 16;

    /// <summary>V2PCFG = 1: what the probe's self-test uses.</summary>
    public const uint OperationTests = 1u << 16;

    /// <summary>What drivers run with.</summary>
    public const uint Running = FaultInterruptBit | RedirectBits | MissWalks | StallBit | OperationWalks;

    /// <summary>Whether an access that misses the TLB is walked.</summary>
    public bool Walks => (Bits & MissWalks) == MissWalks;

    /// <summary>V2PCFG.</summary>
    public uint Operation => Bits >> 16 & 3;
}
