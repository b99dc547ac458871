using Aperture.Boards;
using Aperture.Boards.Checking;
using Aperture.Boards.Running;
using Aperture.Boards.Units;
using Aperture.Conformance;
using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Dma.Sanitizer;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Pocket.Tests.Hardware;
using Aperture.Pocket.Tests.Software;
using Aperture.Pocket.Tests.Sum;

namespace Aperture.Pocket.Tests;

/// <summary>An IOMMU and a device that no library knows: booted from a tree, checked, tested and replayed by what is public.</summary>
public class PocketTests
{
    private static readonly MachineOptions s_own = new()
    {
        Units = [new PocketUnitKind()],
        Masters = [new SumKind()],
        Sanitizer = new SanitizerOptions(),
    };

    private static UnitList Units => UnitList.Default.With([new PocketUnitKind()]);

    [Fact]
    public void A_board_boots_with_a_unit_of_ones_own_and_every_check_of_the_self_test_holds()
    {
        using var machine = Machine.Boot(Tree.Build(), s_own);
        Assert.All(machine.Units, unit =>
        {
            Assert.IsType<PocketMmu>(unit.Model);
            Assert.IsType<PocketUnit>(unit.Device.Bound);
        });
        Assert.Equal(["20000.camera", "30000.sum"], machine.Masters.Select(master => master.Name));
        var test = new SelfTest(machine);
        foreach (var result in machine.Masters.Select(test.Run))
            Assert.All(result.Checks, check => Assert.Equal("", check.Result.Reason));
        Assert.IsType<SumClient>(machine.Masters[1].Device!.Bound); // the test gave it back
        machine.Sanitizer!.AssertClean();
        Assert.All(machine.Units, unit => Assert.True(unit.Model.Counters is { Hits: > 0, Invalidations: > 0, Faults: > 0 }));
    }

    [Fact]
    public void Without_the_kind_the_tree_has_nothing_but_masters_that_are_skipped()
    {
        using var machine = Machine.Boot(Tree.Build());
        Assert.Empty(machine.Units);
        Assert.Empty(machine.DirectMasters);
        Assert.All(machine.Masters, master => Assert.Contains("is not modelled", master.Skipped, StringComparison.Ordinal));
    }

    /// <summary>Every master was "not modelled", and nothing said why.</summary>
    [Theory]
    [InlineData("test,*", "a binding 'test,*'")]
    [InlineData(null, "has no bindings")]
    public void A_kind_that_no_node_can_be_of_is_refused(string? pattern, string why)
    {
        var options = new MachineOptions { Units = [new NamelessKind(pattern)] };
        var failure = Assert.Throws<ApertureException>(() => Machine.Boot(Tree.Build(), options));
        Assert.Contains(nameof(NamelessKind), failure.Message, StringComparison.Ordinal);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_checker_knows_the_kind_s_facts_and_rules()
    {
        Assert.Contains(BoardChecker.Check(Tree.Build()), finding => finding.Code == FindingCode.UnknownUnit);
        Assert.Empty(BoardChecker.Check(Tree.Build(), Units));
        var finding = Assert.Single(BoardChecker.Check(Tree.Build(unit => unit.Cells("test,pockets", 3)), Units));
        Assert.Equal("/soc/iommu@10000", finding.Node);
        Assert.Contains("no Pocket MMU knows", finding.Message, StringComparison.Ordinal);
        Assert.Equal(
            2,
            BoardChecker.Check(Tree.Build(window: 0x10), Units)
                .Count(found => found.Message.Contains("0x20 to 0x1000", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_window_that_no_such_unit_has_is_told_with_the_node() =>
        Assert.Contains(
            "/soc/iommu@10000",
            Assert.Throws<ApertureException>(() => Machine.Boot(Tree.Build(window: 0x2000), s_own)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Recordings_are_replayed_on_its_model_and_its_driver()
    {
        var replay = new VectorReplay([new PocketUnitKind().Conformance]);
        var result = replay.Run(Path.Combine(AppContext.BaseDirectory, "Conform", "basic.jsonl"));
        Assert.Null(result.Skipped);
        Assert.True(result.Failed == 0, $"{result.Model.First} {result.Driver.First}");
        Assert.True(result.Model.Passed >= 6, $"{result.Model.Passed}");
        Assert.True(result.Driver.Passed >= 20, $"{result.Driver.Passed}");
    }

    [Theory]
    [InlineData(20, "\"0xa0003003\"", "\"0xa0003002\"")] // a right that the driver did not write
    [InlineData(24, "\"pa\":\"0xa4ffffff\"", "\"pa\":\"0xa4fffffe\"")]
    [InlineData(29, "\"size\":4194304,\"ret\":4194304", "\"size\":4194304,\"ret\":4096")]
    public void A_recording_of_something_else_is_told(int line, string recorded, string changed)
    {
        var lines = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Conform", "basic.jsonl"));
        Assert.Contains(recorded, lines, StringComparison.Ordinal);
        var file = VectorFile.Parse("changed", lines.Replace(recorded, changed, StringComparison.Ordinal).Split('\n'));
        var result = new VectorReplay([new PocketUnitKind().Conformance]).Run(file);
        Assert.Equal(line, result.Model.First?.Line ?? result.Driver.First?.Line);
    }

    [Fact]
    public void A_device_of_ones_own_works_through_a_unit_of_ones_own()
    {
        using var machine = Machine.Boot(Tree.Build(), s_own);
        var client = (SumClient)machine.Masters[1].Device!.Bound!;
        Assert.Equal(1u + 2 + 3 + 250, client.Sum([1, 2, 3, 250]));
        Assert.False(machine.Masters[1].Client!.IsClocked); // between two sums
        machine.Sanitizer!.AssertClean();
        Assert.Throws<ApertureException>(() => client.Sum(new Iova(0x5000_0000), 4));
        Assert.Equal(0x5000_0000UL, machine.Iommu.Faults[^1].Address.Value);
    }

    [Fact]
    public void A_device_of_ones_own_without_a_unit_works_through_the_window_of_its_bus()
    {
        using var machine = Machine.Boot(Tree.Build(), s_own);
        var master = Assert.Single(machine.DirectMasters);
        var device = master.Device!;
        var client = (SumClient)device.Bound!;
        Assert.Equal("direct", device.Dma.Path);
        using (var buffer = device.Dma.Allocate(4096))
        {
            Assert.InRange(buffer.Address.Value, Tree.WindowStart, Tree.WindowStart + 0x0FFF_FFFFUL);
            Assert.Equal(buffer.Memory.Address.Value - 0x8000_0000 + Tree.WindowStart, buffer.Address.Value);
        }

        Assert.Equal(6u, client.Sum([1, 2, 3]));
        machine.Sanitizer!.AssertClean();
        Assert.Throws<ApertureException>(() => client.Sum(new Iova(0x8000_0000), 4)); // memory has that address, the bus has not
        Assert.Equal(DmaStatus.BusError, master.Ports[0].Read(new Iova(Tree.WindowStart + 0x0FFF_FFFE), new byte[4], out var read));
        Assert.Equal(2, read);
    }

    [Fact]
    public void A_unit_that_ignores_the_rights_of_pages_passed_the_self_test()
    {
        var options = s_own with { Units = [new OddKind(site => new PocketMmu(site.Bus) { IgnoresRights = true })], Sanitizer = null };
        using var machine = Machine.Boot(Tree.Build(), options);
        var result = new SelfTest(machine).Run(machine.Masters[0]);
        Assert.Equal((CheckOutcome.Ok, CheckOutcome.Ok), (result.Write.Outcome, result.Read.Outcome));
        Assert.Equal(CheckOutcome.Blocked, result.Foreign.Outcome);
        Assert.Equal(CheckOutcome.Failed, result.Outside.Outcome);
        Assert.StartsWith("where it may only read: the write to", result.Outside.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_that_made_nothing_was_a_null_reference()
    {
        AssertRefused(new OddKind(_ => null!), "OddKind made no model");
        AssertRefused(new OddKind(site => new PocketMmu(site.Bus)) { HasDriver = false }, "OddKind made no driver");
        AssertRefused(null!, "a null among the kinds");
    }

    [Fact]
    public void A_model_larger_than_its_kind_says_hid_what_lies_behind_it()
    {
        var kind = new OddKind(site => new PocketMmu(site.Bus) { Bytes = 0x2000 });
        AssertRefused(kind, "OddKind made a model with 0x2000 bytes of registers");
        AssertRefused(kind, "at most 0x1000");
    }

    private static void AssertRefused(UnitKind kind, string why)
    {
        var error = Assert.Throws<ApertureException>(() => Machine.Boot(Tree.Build(), s_own with { Units = [kind] }));
        Assert.Equal(Status.InvalidArgument, error.Status);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
    }

    private sealed class OddKind(Func<UnitSite, TranslationUnit> make) : UnitKind
    {
        public bool HasDriver { get; init; } = true;

        public override IReadOnlyList<UnitBinding> Bindings { get; } = new PocketUnitKind().Bindings;

        public override ulong LargestWindow(DeviceTreeNode node) => 0x1000;

        public override TranslationUnit CreateModel(UnitSite site) => make(site);

        public override IIommuDriver CreateDriver(Machine machine) => HasDriver ? new PocketDriver(machine.Iommu) : null!;
    }

    private sealed class NamelessKind(string? pattern) : UnitKind
    {
        public override IReadOnlyList<UnitBinding> Bindings { get; } = pattern is null ? [] : [new(pattern, "Nameless", 0, 0, 0)];

        public override TranslationUnit CreateModel(UnitSite site) => new PocketMmu(site.Bus);

        public override IIommuDriver CreateDriver(Machine machine) => new PocketDriver(machine.Iommu);
    }
}
