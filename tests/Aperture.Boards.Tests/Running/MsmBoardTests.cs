using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.DeviceTrees;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests.Running;

public class MsmBoardTests
{
    [Fact]
    public void Our_board_has_the_units_contexts_and_machine_ids_of_the_chip() => AssertTopology(Runs.Own("apq8064-media"));

    [BoardTheory("qcom-apq8064-ifc6410")]
    [InlineData("qcom-apq8064-ifc6410")]
    public void The_real_board_has_the_units_contexts_and_machine_ids_of_the_chip(string board) => AssertTopology(Runs.Real(board));

    [Fact]
    public void Every_machine_id_has_a_port_of_its_own_and_leads_to_the_bank_of_its_master()
    {
        using var machine = Machine.Boot(Runs.Own("apq8064-media"));
        Assert.NotEmpty(machine.Masters);
        foreach (var master in machine.Masters)
        {
            Assert.NotEmpty(master.Ports);
            Assert.Equal(
                master.Node.Iommus().Select(reference => (reference.Target!, reference.Arguments[0])),
                master.Ports.Select(port => (UnitOf(machine, port).Node, port.Stream.Value)));
            using var hold = master.Device!.Power.Hold();
            foreach (var ports in master.Ports.GroupBy(port => UnitOf(machine, port)))
            {
                var maps = ports.Select(port => Map(ports.Key, port.Stream)).Distinct().ToArray();
                var others = machine.Masters.Where(other => other != master).SelectMany(other => other.Ports)
                    .Where(port => port.Unit == ports.Key.Model).Select(port => Map(ports.Key, port.Stream).Bank);
                Assert.DoesNotContain(Assert.Single(maps).Bank, others);
                Assert.False(maps[0].IsBypassDisabled);
            }
        }
    }

    [Fact]
    public void Machine_ids_that_no_master_has_are_refused()
    {
        using var machine = Machine.Boot(Runs.Own("apq8064-media"));
        using var hold = machine.Masters[1].Device!.Power.Hold();
        var unit = machine.Units.First(unit => unit.Name == machine.Masters[1].Units[0]);
        var stranger = new DmaPort(machine.Bus, unit.Model, new StreamId(31));
        Assert.Equal(DmaStatus.Refused, stranger.Read(new Iova(machine.Memory.Regions.First().Start.Value), new byte[4], out _));
    }

    [Fact]
    public void The_other_readings_of_the_register_list_work_as_well()
    {
        var options = new MsmIommuOptions
        {
            ContextInvalidation = MsmContextInvalidation.Vmid,
            OperationsAlwaysWalk = false,
            MissingBankPasses = true,
            ClearingReleases = true,
            TlbEntries = 8,
        };
        using var machine = Machine.Boot(Runs.Own("apq8064-media"), new MachineOptions { Units = [new MsmUnitKind(options)] });
        Runs.AssertAllHeld(machine);
    }

    [Fact]
    public void A_unit_that_answers_no_translation_operation_is_not_used()
    {
        using var machine = Machine.Boot(
            Runs.Own("apq8064-media"), new MachineOptions { Units = [new MsmUnitKind(new MsmIommuOptions { HasOperations = false })] });
        Assert.NotEmpty(machine.Units);
        Assert.NotEmpty(machine.Masters);
        Assert.All(machine.Units, unit => Assert.Null(unit.Device.Bound));
        Assert.All(Runs.Test(machine), result => Assert.Equal(Runs.Failed, result.Checks.Select(check => check.Result.Outcome)));
    }

    /// <summary>Each unit lies where the chip has it, with its banks, and no master has a machine ID that the chip does not give to
    /// it.</summary>
    private static void AssertTopology(DeviceTree tree)
    {
        var units = MsmTopology.Units.Append(MsmTopology.Gfx3d1).ToDictionary(unit => unit.Address);
        var nodes = tree.Devices().Where(node => node.IsCompatible("qcom,apq8064-iommu")).ToArray();
        Assert.NotEmpty(nodes);
        foreach (var node in nodes)
        {
            var unit = units[node.Registers()[0].Address!.Value.Value];
            Assert.Equal((uint)unit.Banks, node.U32("qcom,ncb"));
            Assert.Equal(2, node.Interrupts().Length);
            var known = unit.Uses.SelectMany(use => use.Machines).ToHashSet();
            var used = tree.Devices()
                .SelectMany(master => master.Iommus())
                .Where(reference => reference.Target == node)
                .Select(reference => reference.Arguments[0]).ToArray();
            Assert.NotEmpty(used);
            Assert.Equal(used.Length, used.Distinct().Count());
            Assert.All(used, machine => Assert.Contains(machine, known));
        }
    }

    private static BoardUnit UnitOf(Machine machine, DmaPort port) => machine.Units.First(unit => unit.Model == port.Unit);

    private static MsmMachineMap Map(BoardUnit unit, StreamId stream)
    {
        foreach (var clock in unit.Device.Clocks.Values)
            clock.Enable();
        Assert.True(unit.Model.TryRead(MsmGlobalRegisters.MachineMapOf(stream.Value), 4, out var map));
        foreach (var clock in unit.Device.Clocks.Values)
            clock.Disable();
        return new MsmMachineMap((uint)map);
    }
}
