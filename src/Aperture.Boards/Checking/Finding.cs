namespace Aperture.Boards.Checking;

/// <summary>One thing that the checker has to say about a device tree.</summary>
/// <param name="Code">What kind of thing; one of <see cref="FindingCode"/>.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Node">The path of the node.</param>
/// <param name="Message">One line: what is wrong and how to fix it.</param>
public sealed record Finding(string Code, FindingSeverity Severity, string Node, string Message)
{
    /// <summary>The overlay whose node it is; null for one of the board's own tree.</summary>
    public string? Overlay { get; init; }

    /// <summary>What else was found and most likely goes when this is mended, in the tree's order.</summary>
    public IReadOnlyList<Finding> FollowUps { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Severity} {Code}: {(Overlay is null ? "" : $"{Overlay}: ")}{Node}: {Message}"
        + (FollowUps.Count == 0 ? "" : $" ({FollowUps.Count} more follow from it)");
}
