using System.Numerics;
using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Rockchip;

/// <summary>Which Rockchip IOMMU a model is, and what it does where the facts end: every member whose comment says "unknown" or
/// "inferred" is a choice, with the documented default.</summary>
public sealed record RockchipIommuOptions
{
    /// <summary>Version 2, with 40 address bits.</summary>
    public bool IsWide { get; init; }

    /// <summary>Number of MMUs that work as one, at least 1. Known units have 1 or 2.</summary>
    public int Mmus { get; init; } = 1;

    /// <summary>Bytes of each MMU's register window, a multiple of 4 from 0x28 to 0x1000. Device trees give 0x40 and 0x100.</summary>
    public uint WindowSize { get; init; } = 0x100;

    /// <summary>TLB entries of each MMU, at least 1. Unknown; default 32.</summary>
    public int TlbEntries { get; init; } = 32;

    /// <summary>Which TLB entry is replaced. Unknown; default: one after the other.</summary>
    public ReplacementPolicy Replacement { get; init; } = ReplacementPolicy.RoundRobin;

    /// <summary>Entries of a directory or page table that are read and kept together, a power of two from 1 to 1024: after a walk that
    /// went well its neighbours are known as well, those that map nothing included. Inferred from drivers that zap the first and the last
    /// page of what they map; default 16, a cache line of 64 bytes.</summary>
    public int LineEntries { get; init; } = 16;

    /// <summary>Lines kept of directories, and of page tables; a power of two. Unknown; default 8.</summary>
    public int Lines { get; init; } = 8;

    /// <summary>STATUS after a reset; from the Mali-400's reference.</summary>
    public uint ResetStatus { get; init; } = RockchipMmuStatus.AfterReset.Value;

    /// <summary>Whether FORCE_RESET clears INT_RAWSTAT. Unknown; default: no, as recorded.</summary>
    public bool ResetClearsInterrupts { get; init; }

    /// <summary>Reads of STATUS that still answer "not stalled" after ENABLE_STALL; negative: for ever. Default 0.</summary>
    public int StallDelayPolls { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ApertureException">A member is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Check(Mmus is >= 1 and <= 16, nameof(Mmus), Mmus);
        Check(WindowSize is >= RockchipMmuRegister.Size and <= 0x1000 && WindowSize % sizeof(uint) == 0, nameof(WindowSize), WindowSize);
        Check(TlbEntries is >= 1 and <= 4096, nameof(TlbEntries), TlbEntries);
        Check(LineEntries is >= 1 and <= (int)RockchipMmuEntry.Count && BitOperations.IsPow2(LineEntries), nameof(LineEntries),
            LineEntries);
        Check(Lines is >= 1 and <= 1024 && BitOperations.IsPow2(Lines), nameof(Lines), Lines);
    }

    private static void Check(bool holds, string name, long value)
    {
        if (!holds)
            throw new ApertureException(Status.InvalidArgument, $"a Rockchip IOMMU with {name} = {value} does not exist");
    }
}
