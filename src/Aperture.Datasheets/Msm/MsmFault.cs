namespace Aperture.Datasheets.Msm;

/// <summary>The bits of FSR, and of PAR of a failed translation.</summary>
[Flags]
public enum MsmFault : uint
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>TF: nothing is mapped.</summary>
    Translation = 1u << 1,

    /// <summary>AFF: the access flag is clear.</summary>
    AccessFlag = 1u << 2,

    /// <summary>APF: the mapping does not allow the access.</summary>
    Permission = 1u << 3,

    /// <summary>TLBMF: the TLB has no entry, and misses are not walked.</summary>
    TlbMiss = 1u << 4,

    /// <summary>HTWDEEF: a walk met a decode error.</summary>
    WalkDecode = 1u << 5,

    /// <summary>HTWSEEF: a walk met a slave error.</summary>
    WalkSlave = 1u << 6,

    /// <summary>MHF: several TLB entries match.</summary>
    MultiHit = 1u << 7,

    /// <summary>SL: the fault is of the second level (inferred).</summary>
    SecondLevel = 1u << 16,

    /// <summary>SS: the access is stalled (inferred).</summary>
    Stalled = 1u << 30,

    /// <summary>MULTI: more faults came before this one was cleared; they are not recorded.</summary>
    Multiple = 1u << 31,

    /// <summary>The causes.</summary>
    Causes = Translation | AccessFlag | Permission | TlbMiss | WalkDecode | WalkSlave | MultiHit,

    /// <summary>Every bit.</summary>
    All = Causes | SecondLevel | Stalled | Multiple,
}
