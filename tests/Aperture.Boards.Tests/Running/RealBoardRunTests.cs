using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;

namespace Aperture.Boards.Tests.Running;

public class RealBoardRunTests
{
    private static readonly string[][] s_facts = ReadFacts();

    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Directory);

    [BoardTheory]
    [MemberData(nameof(Boards))]
    public void Every_master_is_where_the_tree_has_it_and_passes(string board)
    {
        using var machine = Machine.Boot(Runs.Real(board));
        var found = Runs.Test(machine).Select(result => string.Join(
            ' ',
            board,
            result.Checks.Select(check => check.Result.Outcome).SequenceEqual(Runs.Passed)
                ? "tested" : result.Checks.All(check => check.Result.Outcome == CheckOutcome.Skipped) ? "skipped"
                : "failed",
            result.Master.Name,
            string.Join('+', result.Master.Units),
            result.Master.Ids.Count == 0 ? "-" : string.Join(',', result.Master.Ids)));
        Assert.Equal(s_facts.Where(fact => fact[0] == board).Select(fact => string.Join(' ', fact)), found);
        Assert.Empty(UnboundDevices.Find(machine));
        Assert.True(Scenarios.Default(machine)?.Run(machine).IsOk ?? machine.Masters.All(master => master.Skipped is not null));
    }

    [BoardTheory]
    [MemberData(nameof(Boards))]
    public void A_skipped_master_says_what_it_or_its_unit_is(string board)
    {
        using var machine = Machine.Boot(Runs.Real(board));
        var skipped = machine.Masters.Where(master => master.Skipped is not null).ToArray();
        Assert.Equal(s_facts.Count(fact => fact[0] == board && fact[1] == "skipped"), skipped.Length);
        foreach (var master in skipped)
        {
            Assert.True(
                master.Skipped!.Contains(master.Node.Compatible[0], StringComparison.Ordinal)
                    || master.Node.Iommus().Any(unit => master.Skipped.Contains(unit.Target!.Compatible[0], StringComparison.Ordinal)),
                master.Skipped);
        }
    }

    [BoardTheory]
    [MemberData(nameof(Boards))]
    public void The_order_of_devices_does_not_matter(string board)
    {
        string[]? expected = null;
        for (var seed = 0; seed < 4; seed++)
        {
            using var machine = Machine.Boot(Runs.Real(board), new MachineOptions { ShuffleSeed = seed == 0 ? null : seed });
            var results = Runs.Lines(Runs.Test(machine));
            Assert.Equal(expected ??= results, results);
            Assert.Empty(machine.Drivers.Deferred);
        }
    }

    private static string[][] ReadFacts()
    {
        using var reader = new StreamReader(typeof(RealBoardRunTests).Assembly.GetManifestResourceStream("real-boards.txt")!);
        return [.. reader.ReadToEnd().Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' '))];
    }
}
