namespace Aperture.Conformance;

/// <summary>What the replays of one file gave.</summary>
/// <param name="Path">The file.</param>
public sealed record FileResult(string Path)
{
    /// <summary>Recorded register traffic against our unit models.</summary>
    public ReplayPart Model { get; init; } = new();

    /// <summary>Recorded calls through our IOMMU core and drivers.</summary>
    public ReplayPart Driver { get; init; } = new();

    /// <summary>Recorded calls of table libraries against our formats, for files without registers.</summary>
    public ReplayPart Tables { get; init; } = new();

    /// <summary>How often each documented rule was applied, in the order of the rules.</summary>
    public IReadOnlyList<Deviation> Deviations { get; init; } = [];

    /// <summary>Why nothing was replayed; null if something was.</summary>
    public string? Skipped { get; init; }

    /// <summary>Comparisons that held, in all.</summary>
    public int Passed => Model.Passed + Driver.Passed + Tables.Passed;

    /// <summary>Comparisons that did not hold, in all.</summary>
    public int Failed => Model.Failed + Driver.Failed + Tables.Failed;
}

/// <summary>How often a rule was applied.</summary>
/// <param name="Rule">The rule's name in docs/conformance.md.</param>
/// <param name="Count">How often.</param>
public sealed record Deviation(string Rule, int Count);
