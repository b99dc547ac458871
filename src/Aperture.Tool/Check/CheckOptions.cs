namespace Aperture.Tool.Check;

/// <summary>What is asked of a check.</summary>
internal sealed record CheckOptions
{
    /// <summary>Overlays that are put onto each tree.</summary>
    public IReadOnlyList<string> Overlays { get; init; } = [];

    /// <summary>How findings are printed.</summary>
    public CheckForm Form { get; init; }

    /// <summary>Whether warnings fail.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Patterns of devices that must be behind an IOMMU.</summary>
    public IReadOnlyList<string> Required { get; init; } = [];
}
