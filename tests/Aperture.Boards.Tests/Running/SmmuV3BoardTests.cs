using Aperture.Boards.Checking;
using Aperture.Boards.Tests.Trees;
using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Drivers.SmmuV3;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests.Running;

public sealed class SmmuV3BoardTests
{
    private const string Names = "interrupt-names";

    public static TheoryData<string> Presets => ["Mmu600", "Mmu700", "Qemu"];

    [Theory]
    [MemberData(nameof(Presets))]
    public void Our_board_runs_with_every_preset(string preset)
    {
        var options = preset switch { "Mmu600" => SmmuV3Options.Mmu600, "Mmu700" => SmmuV3Options.Mmu700, _ => SmmuV3Options.Qemu };
        foreach (var driver in new[] { new SmmuV3DriverOptions(), new SmmuV3DriverOptions { UsesMessages = true, CommandsLog2 = 1 } })
        {
            using var machine = Machine.Boot(
                Runs.Own("smmuv3-media"), new MachineOptions { Units = [new SmmuV3UnitKind(options, driver)] });
            Runs.AssertAllHeld(machine);
        }
    }

    [Fact]
    public void All_lines_may_be_one()
    {
        var tree = Runs.Own("smmuv3-media");
        var unit = UnitOf(tree);
        var one = new TreeEdit(tree).Cells(unit, "interrupts", 0, 74, 4).Text(unit, Names, "combined").Build();
        Assert.Empty(BoardChecker.Check(one));
        using var machine = Machine.Boot(one);
        Runs.AssertAllHeld(machine);
        var model = (SmmuV3)machine.Units[0].Model;
        Assert.All(model.Interrupts, line => Assert.NotNull(line.Changed));

        // A fault is told by it.
        var faults = machine.Iommu.FaultCount;
        var master = machine.Masters[0];
        using var hold = master.Device!.Power.Hold();
        Assert.NotEqual(DmaStatus.Ok, master.Ports[0].Read(new Iova(0x1234_5000), new byte[4], out _));
        Assert.Equal(faults + 1, machine.Iommu.FaultCount);
    }

    [Theory]
    [InlineData("lacks eventq", "gerror", "priq", "cmdq-sync", "other")]
    [InlineData("lacks eventq and gerror", "a", "b", "c", "d")]
    [InlineData("has other", "eventq", "gerror", "priq", "other")]
    public void Names_of_interrupts_that_it_does_not_have_are_found(string what, params string[] names)
    {
        var tree = Runs.Own("smmuv3-media");
        var finding = Assert.Single(BoardChecker.Check(new TreeEdit(tree).Text(UnitOf(tree), Names, names).Build()));
        Assert.Equal((FindingCode.Names, FindingSeverity.Error), (finding.Code, finding.Severity));
        Assert.Contains(what, finding.Message, StringComparison.Ordinal);
    }

    private static DeviceTreeNode UnitOf(DeviceTree tree) => tree.Devices().First(node => node.IsCompatible("arm,smmu-v3"));
}
