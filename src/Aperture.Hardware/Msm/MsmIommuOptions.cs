using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Msm;

/// <summary>Which MSM IOMMU a model is, and what it does where the facts end. There is no public manual: every member whose
/// comment says "unknown" or "inferred" is a choice, with the documented default.</summary>
public sealed record MsmIommuOptions
{
    /// <summary>Number of context banks, 1 to 128. Known units have 2 or 3; device trees tell (<c>qcom,ncb</c>).</summary>
    public int Banks { get; init; } = 2;

    /// <summary>Entries of the TLB, 1 to 256. Unknown (the coding of IDR.TLBSIZE is); default: 64.</summary>
    public int TlbEntries { get; init; } = 64;

    /// <summary>Which entry is replaced. Unknown; default: one after the other.</summary>
    public ReplacementPolicy Replacement { get; init; } = ReplacementPolicy.RoundRobin;

    /// <summary>Number of interrupt lines that CBACR.IRPTNDX chooses from. Trees give two.</summary>
    public int InterruptLines { get; init; } = 2;

    /// <summary>Reset values by byte offset. Recorded: REV and IDR; all others unknown, and zero.</summary>
    public IReadOnlyDictionary<uint, uint> ResetValues { get; init; } = new Dictionary<uint, uint>
    {
        [MsmGlobalRegisters.Revision] = 0x1_0002,
        [MsmGlobalRegisters.Identification] = MsmIdentification.Apq8064.Bits,
    };

    /// <summary>What CTX_TLBIALL removes. "This context" by the register list; entries are known to carry VMID and ASID, but no bank.
    /// Default: the least that can be meant.</summary>
    public MsmContextInvalidation ContextInvalidation { get; init; } = MsmContextInvalidation.Asid;

    /// <summary>Whether a translation operation walks the tables whatever V2PCFG says, or only with V2PCFG = 3, a miss being TLBMF else.
    /// The recorded self-test with V2PCFG = 1 answers as a walk does.</summary>
    public bool OperationsAlwaysWalk { get; init; } = true;

    /// <summary>Whether translation operations work. Off, they answer zero: a unit that drivers refuse.</summary>
    public bool HasOperations { get; init; } = true;

    /// <summary>Whether PAR of a translation tells memory attributes. The register list has the fields; recorded results have
    /// none.</summary>
    public bool ReportsAttributes { get; init; }

    /// <summary>What a walk that the bus answers with an error sets in FSR and PAR. Recorded in PAR: TF and HTWSEEF.</summary>
    public MsmFault WalkError { get; init; } = MsmFault.Translation | MsmFault.WalkSlave;

    /// <summary>Whether sections know PXN; without it bit 0 beside bit 1 is a fault. Unknown; default: no.</summary>
    public bool HasPrivilegedExecuteNever { get; init; }

    /// <summary>Whether masters' accesses are privileged. Wiring, and perhaps ACTLR.PRIVCFG; default: no.</summary>
    public bool MastersArePrivileged { get; init; }

    /// <summary>Whether clearing FSR.SS releases a stalled access as RESUME = 0 does. Unknown: the recorded handler never writes RESUME;
    /// default: no.</summary>
    public bool ClearingReleases { get; init; }

    /// <summary>Whether an access whose machine ID leads to no bank passes unless BYPASSD is set, or is a configuration error (ESR.CFG).
    /// Unknown; default: an error.</summary>
    public bool MissingBankPasses { get; init; }

    /// <summary>Whether accesses are translated only while the clocks run. Inferred: no. The bus clock (<c>iommu_clk</c>) is the master's
    /// own, and drivers stop both clocks whenever they leave the registers alone.</summary>
    public bool TranslationNeedsClock { get; init; }

    /// <summary>Refuses what no unit can be.</summary>
    /// <exception cref="ApertureException">An option is out of the range that it documents.</exception>
    internal void Validate()
    {
        Require(Banks is >= 1 and <= 128, $"an MSM IOMMU has 1 to 128 context banks, not {Banks}");
        Require(TlbEntries is >= 1 and <= 256, $"an MSM IOMMU has 1 to 256 TLB entries, not {TlbEntries}");
        foreach (var offset in ResetValues.Keys)
        {
            Require(
                offset % sizeof(uint) == 0 && offset < MsmGlobalRegisters.WindowSize,
                $"an MSM IOMMU has no register at offset 0x{offset:x} that could have a reset value");
        }

        Require(InterruptLines is >= 1 and <= 256, $"an MSM IOMMU has 1 to 256 interrupt lines, not {InterruptLines}");
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
            throw new ApertureException(Status.InvalidArgument, rule);
    }
}
