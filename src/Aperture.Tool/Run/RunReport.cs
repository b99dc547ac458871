using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Devices;
using Aperture.Iommu;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Run;

/// <summary>Everything that a run found out.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Unbound">The devices that no driver could take, and why.</param>
/// <param name="Masters">The self-test of each master.</param>
/// <param name="Scenario">What came of the scenario; null when the machine can run none.</param>
internal sealed record RunReport(Machine Machine, IReadOnlyDictionary<Device, string> Unbound, IReadOnlyList<MasterResult> Masters,
    ScenarioResult? Scenario)
{
    /// <summary>The last faults of the scenario.</summary>
    public IReadOnlyList<FaultReport> Faults { get; init; } = [];

    /// <summary>Whether all held: every device was bound, every self-test went well, and so did the scenario.</summary>
    public bool IsOk => Masters.All(master => master.IsFine) && Unbound.Count == 0 && (Scenario?.IsOk ?? true)
        && Machine.Sanitizer is not { Findings.Count: > 0 };

    /// <summary>The masters that were tested, and of which everything held.</summary>
    public int Held => Masters.Count(result => result.Master.Skipped is null && result.IsFine);

    /// <summary>The masters that were not tested.</summary>
    public int Skipped => Masters.Count(result => result.Master.Skipped is not null);

    /// <summary>Whether a master was tested, or a scenario was run.</summary>
    public bool IsTested => Masters.Count > Skipped || Scenario is not null;

    /// <summary>0: what was tested held; 1: a master or the scenario did not; 2: the board itself is no good, see <see cref="Error"/>; 3:
    /// nothing was tested.</summary>
    public int ExitCode => !IsOk ? (Error is null ? 1 : 2) : IsTested ? 0 : 3;

    /// <summary>The outcome in one line.</summary>
    public string Summary
    {
        get
        {
            var masters = $"{Held} of {Masters.Count} masters held" + (Skipped == 0 ? "" : $", {Skipped} skipped");
            return !IsOk ? $"something did not hold: {masters}"
                : !IsTested ? $"nothing was tested: "
                    + $"{(Masters.Count == 0 ? "there is no master behind an IOMMU" : $"{Skipped} masters skipped")}"
                : Skipped == 0 ? "all held" : masters;
        }
    }

    /// <summary>One line on what is wrong with the board, not with a master: a unit or another supplier that never became ready, or
    /// memory that ran out. Null when nothing is.</summary>
    public string? Error
    {
        get
        {
            // A master that waits for a unit is that master's trouble.
            var waiting = Machine.Drivers.Deferred.Select(deferred => deferred.Device)
                .Intersect(Machine.Masters.Select(master => master.Device)).ToHashSet();
            foreach (var (device, reason) in Unbound)
            {
                if (!waiting.Contains(device))
                    return $"{device.Name} never became ready: {reason}";
            }

            foreach (var (master, check) in Masters.SelectMany(result => result.Checks.Select(check => (result.Master, check.Result))))
            {
                if (check.Status == Status.NoMemory)
                    return $"{master.Name}: memory is exhausted: {check.Reason}";
            }

            return Scenario is { Status: Status.NoMemory, Lines: [.., var line] }
                ? $"scenario {Scenario.Name}: memory is exhausted: {line}" : null;
        }
    }
}
