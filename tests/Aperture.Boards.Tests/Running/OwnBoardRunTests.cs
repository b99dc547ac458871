using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Units;
using Aperture.Hardware.Exynos;

namespace Aperture.Boards.Tests.Running;

public class OwnBoardRunTests
{
    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Own);

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_master_works_and_is_confined(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        Runs.AssertAllHeld(machine);
        Assert.All(machine.Masters, master => Assert.Null(master.Skipped));
        Assert.All(
            machine.Units,
            unit =>
                Assert.True(unit.Model.Counters.Hits > 0 || machine.Masters.All(master => !master.Units.Contains(unit.Name)), unit.Name));
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_scenario_that_applies_succeeds(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        ulong used = 0;
        for (var round = 0; round < 3; round++)
        {
            foreach (var scenario in Scenarios.All.Where(scenario => scenario.AppliesTo(machine)))
            {
                var result = scenario.Run(machine);
                Assert.True(result.IsOk, string.Join('\n', result.Lines));
                Assert.Equal(scenario.Name, result.Name);
            }

            // The first round leaves tables behind that the domains keep.
            used = round == 0 ? machine.Pages.UsedPages : used;
            Assert.Equal(used, machine.Pages.UsedPages);
        }

        Assert.Equal(0ul, machine.Iommu.FaultCount);
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void The_order_of_devices_does_not_matter(string board)
    {
        string[]? expected = null;
        string[]? bound = null;
        for (var seed = 0; seed < 8; seed++)
        {
            using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { ShuffleSeed = seed == 0 ? null : seed });
            var results = Runs.Lines(Runs.Test(machine));
            var names = machine.Drivers.Devices.Where(device => device.Bound is not null).Select(device => device.Name)
                .Order(StringComparer.Ordinal).ToArray();
            Assert.Equal(expected ??= results, results);
            Assert.Equal(bound ??= names, names);
            Assert.Empty(machine.Drivers.Deferred);
        }
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void After_the_run_everything_is_off_again(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        AssertOff(machine);
        Runs.AssertAllHeld(machine);
        Scenarios.Default(machine)!.Run(machine);
        AssertOff(machine);
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void The_system_sleeps_and_the_masters_still_work(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        for (var round = 0; round < 3; round++)
        {
            // Once with every master awake when the lid closes.
            var holds = machine.Masters.Select(master => master.Device!.Power.Hold()).Take(round == 1 ? int.MaxValue : 0).ToArray();
            machine.Drivers.Suspend();
            Assert.All(machine.Units, unit => Assert.False(unit.Device.Power.IsActive));
            machine.Clock.Advance(TimeSpan.FromSeconds(1));
            machine.Drivers.Resume();
            foreach (var hold in holds)
                hold.Dispose();
            Runs.AssertAllHeld(machine);
        }

        AssertOff(machine);
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_master_and_every_unit_can_be_bound_anew(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        Runs.AssertAllHeld(machine);
        var used = machine.Pages.UsedPages;
        foreach (var master in machine.Masters)
        {
            machine.Drivers.Unbind(master.Device!);
            Assert.Null(master.Device!.Bound);
            Assert.True(machine.Drivers.Bind(master.Device!), master.Name);
        }

        foreach (var unit in machine.Units)
        {
            machine.Drivers.Unbind(unit.Device);
            Assert.True(machine.Drivers.Bind(unit.Device), unit.Name);
        }

        Runs.AssertAllHeld(machine);
        Assert.Equal(used, machine.Pages.UsedPages);
        AssertOff(machine);
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void All_memory_comes_back_when_the_devices_go(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board));
        Runs.AssertAllHeld(machine);
        foreach (var device in machine.Drivers.Devices.Reverse())
            machine.Drivers.Remove(device);

        // The Exynos driver keeps a table without entries for all of its units, below 4 GiB and one below 64 GiB.
        Assert.InRange(machine.Tables.BytesInUse, 0, 2 * 4096);
        Assert.Empty(machine.Iommu.Groups);
        Assert.Empty(machine.Iommu.Units);
    }

    [Fact]
    public void Every_version_of_the_SysMMU_passes_on_every_Exynos_board()
    {
        foreach (var options in (SysMmuOptions[])[SysMmuOptions.V1, SysMmuOptions.V33, SysMmuOptions.V5])
        {
            foreach (var board in (string[])["exynos4412-media", "exynos5433-media"])
            {
                using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { Units = [new ExynosUnitKind(options)] });
                Runs.AssertAllHeld(machine);
            }
        }
    }

    private static void AssertOff(Machine machine)
    {
        // Drivers of PCI functions hold them, and so their units, for as long as they are bound.
        var held = machine.PciHosts.SelectMany(host => host.Bridge!.Devices).Select(found => found.Device)
            .Where(device => device.Power.IsActive).ToArray();
        Assert.All(machine.Units, unit =>
        {
            var holds = held.Count(device => device.Iommu!.Ports.Any(port => port.Unit.Device == unit.Device));
            Assert.Equal(holds > 0, unit.Device.Power.IsActive);
            Assert.Equal(holds, unit.Device.Power.UseCount);
            Assert.All(
                unit.Device.Clocks.Values.Concat(unit.Device.Resets.Values).Concat(unit.Device.PowerDomains),
                gate => Assert.True(gate.UseCount == 0, $"{unit.Name}: {gate.Name} is held {gate.UseCount} times"));
        });
        Assert.All(machine.Masters.Where(master => master.Device is not null), master => Assert.Equal(0, master.Device!.Power.UseCount));
    }
}
