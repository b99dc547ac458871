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

    /// <summary>Whether it has an id.</summary>
    public bool HasId(uint id) => id <= MaximumId && Ids?.Contains(id) != false;

    /// <summary>Whether a <c>compatible</c> string names this kind.</summary>
    public bool Matches(string compatible)
    {
        ArgumentNullException.ThrowIfNull(compatible);
        return FileSystemName.MatchesSimpleExpression(Pattern, compatible, ignoreCase: false);
    }
}
