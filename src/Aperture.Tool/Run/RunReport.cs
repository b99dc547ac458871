using Aperture.Boards;
using Aperture.Boards.Running;

namespace Aperture.Tool.Run;

/// <summary>Everything that a run found out.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Masters">The self-test of each master.</param>
/// <param name="Scenario">What came of the scenario; null when the machine can run none.</param>
internal sealed record RunReport(Machine Machine, IReadOnlyList<MasterResult> Masters, ScenarioResult? Scenario)
{
    /// <summary>Whether all held: every device was bound, every self-test went well, and so did the scenario.</summary>
    public bool IsOk => Masters.All(master => master.IsFine) && Machine.Drivers.Deferred.Count == 0 && (Scenario?.IsOk ?? true);
}
