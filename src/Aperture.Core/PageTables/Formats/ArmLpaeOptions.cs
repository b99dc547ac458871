namespace Aperture.Core.PageTables.Formats;

/// <summary>What uses long-descriptor tables.</summary>
public enum ArmLpaeKind
{
    /// <summary>Stage 1 of VMSAv8-64.</summary>
    Stage1,

    /// <summary>Stage 2 of VMSAv8-64.</summary>
    Stage2,

    /// <summary>Stage 1 of VMSAv7 with LPAE, or VMSAv8-32: input addresses of up to 32, output addresses of up to 40 bits.</summary>
    Stage1In32,

    /// <summary>Stage 2 of VMSAv7 with LPAE, or VMSAv8-32: addresses of up to 40 bits.</summary>
    Stage2In32,

    /// <summary>Arm's Mali GPUs (Midgard, Bifrost): like stage 2, with attribute indices; outputs of up to 40 bits.</summary>
    Mali,
}

/// <summary>What kind of long-descriptor tables a unit wants.</summary>
/// <remarks>Source: Arm ARM D5 (VMSAv8-64), ARM DDI 0406C B3 (LPAE); which settings go together from recorded library behaviour.</remarks>
public sealed record ArmLpaeOptions
{
    /// <summary>The page and block sizes of the granule of 4 KiB.</summary>
    public const ulong Granule4K = 1UL << 12 | 1UL << 21 | 1UL << 30;

    /// <summary>The page and block sizes of the granule of 16 KiB.</summary>
    public const ulong Granule16K = 1UL << 14 | 1UL << 25;

    /// <summary>The page and block sizes of the granule of 64 KiB; the last needs output addresses of more than 48 bits.</summary>
    public const ulong Granule64K = 1UL << 16 | 1UL << 29 | 1UL << 42;

    /// <summary>What uses the tables.</summary>
    public ArmLpaeKind Kind { get; init; }

    /// <summary>Bits of an input address. More than the granule can have (48, or 52 for 64 KiB) are cut.</summary>
    public int InputBits { get; init; } = 48;

    /// <summary>Bits of an output address: 32, 36, 40, 42, 44, 48 or 52; Mali takes any up to 40. Cut as <see cref="InputBits"/>
    /// are.</summary>
    public int OutputBits { get; init; } = 48;

    /// <summary>The page sizes wanted, one bit each. The granule is the first of: 4 KiB; the smallest. Sizes of other granules are left
    /// out.</summary>
    public ulong PageSizes { get; init; } = Granule4K;

    /// <summary>Whether it is the table of TTBR1: the addresses at the top of the space. Stage 1 only.</summary>
    public bool Upper { get; init; }

    /// <summary>Whether pages and tables lie in non-secure memory. Stage 1 only.</summary>
    public bool NonSecure { get; init; }

    /// <summary>Whether walks are cached in an outer cache only, with write-back and allocation: a system cache behind the unit. Stage 1
    /// without coherent walks only.</summary>
    public bool OuterWriteBack { get; init; }

    /// <summary>Whether the hardware keeps track of what was written (DBM). Stage 1, and stage 2 for 64 bits.</summary>
    public bool TracksDirty { get; init; }

    /// <summary>Whether the unit's walks see what is in the CPU's caches. If not, links carry software bit 55, as the recorded library has
    /// it: the link was cleaned.</summary>
    public bool CoherentWalk { get; init; }

    /// <summary>Whether also pages of several entries are used, by the contiguous hint: 64 KiB, 32 MiB and 16 GiB for the granule of
    /// 4 KiB, 2 MiB and 1 GiB for 16 KiB, 2 MiB and 16 GiB for 64 KiB. The recorded library never does.</summary>
    public bool Contiguous { get; init; }
}
