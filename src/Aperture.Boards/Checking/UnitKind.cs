namespace Aperture.Boards.Checking;

/// <summary>A kind of IOMMU unit, as the device tree names it.</summary>
/// <param name="Pattern">The <c>compatible</c> string; one <c>*</c> stands for any text.</param>
/// <param name="Family">The family's name for people.</param>
/// <param name="MinimumCells">The fewest arguments of a reference (<c>#iommu-cells</c>).</param>
/// <param name="MaximumCells">The most arguments of a reference.</param>
/// <param name="MaximumId">The highest value of a reference's first argument.</param>
/// <param name="IsModelled">Whether Aperture has a model and a driver.</param>
/// <param name="SharesIds">Whether one id may stand for several masters by design.</param>
/// <param name="Ids">The ids that it has; null for all up to the highest.</param>
public sealed record UnitKind(string Pattern, string Family, uint MinimumCells, uint MaximumCells, uint MaximumId, bool IsModelled, bool SharesIds = false, IReadOnlySet<uint>? Ids = null)
{
    /// <summary>Whether it has an id.</summary>
    public bool HasId(uint id) => id <= MaximumId && Ids?.Contains(id) != false;

    /// <summary>Whether a <c>compatible</c> string names this kind.</summary>
    public bool Matches(string compatible)
    {
        var star = Pattern.IndexOf('*', StringComparison.Ordinal);
        return star < 0
            ? compatible == Pattern
            : compatible.Length >= Pattern.Length - 1 && compatible.AsSpan().StartsWith(Pattern.AsSpan(0, star)) && compatible.AsSpan().EndsWith(Pattern.AsSpan(star + 1));
    }
}
