using System.IO.Enumeration;

namespace Aperture.Boards.Units;

/// <summary>What a device tree binding says of a kind of IOMMU: how nodes name it, and how masters refer to it.</summary>
/// <param name="Pattern">The <c>compatible</c> string; a <c>*</c> stands for any text.</param>
/// <param name="Family">The family's name for people.</param>
/// <param name="MinimumCells">The fewest arguments of a reference (<c>#iommu-cells</c>).</param>
/// <param name="MaximumCells">The most arguments of a reference.</param>
/// <param name="MaximumId">The highest value of a reference's first argument.</param>
/// <param name="SharesIds">Whether one id may stand for several masters by design.</param>
public sealed record UnitBinding(
    string Pattern, string Family, uint MinimumCells, uint MaximumCells, uint MaximumId, bool SharesIds = false)
{
    /// <summary>The ids that it has; null for all up to the highest.</summary>
    public IReadOnlySet<uint>? Ids { get; init; }

    /// <summary>Whether the second argument of a reference is a mask: bits of the first that do not count.</summary>
    public bool HasMasks { get; init; }

    /// <summary>Whether it is a binding from before <c>iommus</c>, or a vendor's own, whose references are not judged.</summary>
    public bool IsOlder { get; init; }

    /// <summary>Whether masters refer to the unit at all; one that only filters addresses is told its masters in other ways.</summary>
    public bool IsReferredTo { get; init; } = true;

    /// <summary>Whether a node of the name is a unit only if it has <c>#iommu-cells</c>.</summary>
    public bool NeedsCells { get; init; }

    /// <summary>Whether a unit need not have registers of its own.</summary>
    public bool MayLackRegisters { get; init; }

    /// <summary>Whether a unit that nobody drives lets no DMA through. Most let all of it pass, untranslated.</summary>
    public bool BlocksWhenOff { get; init; }

    /// <summary>The names of the clocks that a unit cannot be driven without, by <c>clock-names</c>: one of the sets, whole. Empty when
    /// any names do.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Clocks { get; init; } = [];

    /// <summary>The names of the clocks that its masters hold while they work, as they are theirs, too; without them the unit does not
    /// work.</summary>
    public IReadOnlyList<string> MastersClocks { get; init; } = [];

    /// <summary>Whether the unit's driver switches on all clocks of the node, whatever their names.</summary>
    public bool SwitchesAllClocks { get; init; }

    /// <summary>Whether older trees give such a unit no clocks at all, and it is driven without.</summary>
    public bool MayLackClocks { get; init; }

    /// <summary>Names of further clocks that the unit's driver switches on. A clock by any other name nobody does.</summary>
    public IReadOnlyList<string> OtherClocks { get; init; } = [];

    /// <summary>The unit's page tables lie below 2^this.</summary>
    public int TableBits { get; init; } = 64;

    /// <summary>Whether the unit can be driven by clocks of such names.</summary>
    public bool HasClocks(IReadOnlyCollection<string> names) =>
        Clocks.Count == 0 || (names.Count == 0 && MayLackClocks) || Clocks.Any(set => set.All(names.Contains));

    /// <summary>Whether it has an id.</summary>
    public bool HasId(uint id) => id <= MaximumId && Ids?.Contains(id) != false;

    /// <summary>Whether a <c>compatible</c> string names this kind.</summary>
    public bool Matches(string compatible)
    {
        ArgumentNullException.ThrowIfNull(compatible);
        return FileSystemName.MatchesSimpleExpression(Pattern, compatible, ignoreCase: false);
    }
}
