using Aperture.Core;

namespace Aperture.Boards.Running;

/// <summary>A scenario whose length and random choices somebody may choose.</summary>
public interface IWorkload : IScenario
{
    /// <summary>Runs it.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="options">How much, and what random choices come from. Equal ones give equal lines.</param>
    /// <exception cref="ApertureException">It could not be carried out.</exception>
    ScenarioResult Run(Machine machine, WorkloadOptions options);
}
