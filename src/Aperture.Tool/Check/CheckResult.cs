using Aperture.Boards.Checking;

namespace Aperture.Tool.Check;

/// <summary>What was found in one board's tree.</summary>
/// <param name="Board">What the tree was called.</param>
/// <param name="Findings">The findings.</param>
internal sealed record CheckResult(string Board, IReadOnlyList<Finding> Findings);
