using Aperture.Core;
using Aperture.Drivers.Imaging;

namespace Aperture.Boards.Running;

/// <summary>A workload that a machine can run: what a real client of its hardware does.</summary>
public interface IScenario
{
    /// <summary>The name on the command line.</summary>
    string Name { get; }

    /// <summary>One line for help texts.</summary>
    string Description { get; }

    /// <summary>Whether the machine has what the scenario needs.</summary>
    bool AppliesTo(Machine machine);

    /// <summary>Runs it.</summary>
    /// <exception cref="ApertureException">It could not be carried out.</exception>
    ScenarioResult Run(Machine machine);
}

/// <summary>What came of a scenario.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsOk">Whether all was as it must be.</param>
/// <param name="Lines">What happened, for people.</param>
/// <param name="Picture">A picture that it made, if it makes one.</param>
/// <param name="Status">What kept it from being carried out to its end; <see cref="Status.Ok"/> when nothing did.</param>
public sealed record ScenarioResult(
    string Name, bool IsOk, IReadOnlyList<string> Lines, Picture? Picture = null, Status Status = Status.Ok)
{
    /// <summary>How long its requests took, if it is a workload that says so.</summary>
    public IReadOnlyList<PhaseTimes> Times { get; init; } = [];
}
