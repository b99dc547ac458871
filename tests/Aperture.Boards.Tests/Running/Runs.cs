using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Running;

/// <summary>Boots boards and tests their masters.</summary>
internal static class Runs
{
    public static DeviceTree Own(string board) => DeviceTree.Parse(File.ReadAllBytes(Path.Combine(BoardFiles.Own, board + ".dtb")));

    public static DeviceTree Real(string board) => DeviceTree.Parse(File.ReadAllBytes(Path.Combine(BoardFiles.Directory!, board + ".dtb")));

    public static MasterResult[] Test(Machine machine)
    {
        var test = new SelfTest(machine);
        return [.. machine.Masters.Select(test.Run)];
    }

    /// <summary>All that a self-test says, a line for each master.</summary>
    public static string[] Lines(IEnumerable<MasterResult> results) =>
        [.. results.Select(result => $"{result.Master.Name} {Outcomes(result)} {Reasons(result)}".Trim())];

    private static string Outcomes(MasterResult result) =>
        string.Join(' ', result.Checks.Select(check => $"{check.Name}={check.Result.Outcome}"));

    private static string Reasons(MasterResult result) =>
        string.Join("; ", result.Checks.Select(check => check.Result.Reason).Where(reason => reason.Length > 0).Distinct());

    public static void AssertAllHeld(Machine machine)
    {
        Assert.Empty(machine.Drivers.Deferred);
        Assert.Empty(UnboundDevices.Find(machine));
        foreach (var result in Test(machine))
        {
            var isSkipped = result.Master.Skipped is not null;
            Assert.Equal(isSkipped ? Skipped : Passed, result.Checks.Select(check => check.Result.Outcome));
            Assert.All(result.Checks, check => Assert.Equal(isSkipped, check.Result.Reason.Length > 0));
        }
    }

    public static CheckOutcome[] Passed { get; } = [CheckOutcome.Ok, CheckOutcome.Ok, CheckOutcome.Blocked, CheckOutcome.Blocked,
        CheckOutcome.Blocked];

    public static CheckOutcome[] Skipped { get; } = [.. Enumerable.Repeat(CheckOutcome.Skipped, 5)];

    public static CheckOutcome[] Failed { get; } = [.. Enumerable.Repeat(CheckOutcome.Failed, 5)];
}
