using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Drivers.Tegra;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Tests.Running;

public class TegraBoardTests
{
    [Fact]
    public void A_sleep_that_takes_the_controllers_power_loses_nothing()
    {
        using var machine = Machine.Boot(Runs.Own("tegra124-media"));
        var unit = Assert.Single(machine.Units);
        var master = machine.Masters.Single(master => master.Name == "70030000.audio");
        using var hold = master.Device!.Power.Hold();
        using var buffer = master.Device.Dma.Allocate(4096);
        var data = new byte[64];
        Assert.Equal(DmaStatus.Ok, master.Ports[0].Write(buffer.Address, data, out _));
        machine.Drivers.Suspend();
        unit.Model.SetPower(false);
        unit.Model.SetPower(true);
        Assert.NotEqual(DmaStatus.Ok, master.Ports[0].Write(buffer.Address, data, out _));
        machine.Drivers.Resume();
        Assert.Equal(DmaStatus.Ok, master.Ports[0].Write(buffer.Address, data, out _));
        Runs.AssertAllHeld(machine);
    }

    [Fact]
    public void Every_master_is_in_the_address_space_of_its_domain_by_its_own_swgroups()
    {
        using var machine = Machine.Boot(Runs.Own("tegra124-media"));
        var model = (TegraSmmu)machine.Units[0].Model;
        var holds = machine.Masters.Select(master => master.Device!.Power.Hold()).ToArray();
        foreach (var master in machine.Masters)
        {
            Assert.Equal(master.Ids, master.Ports.Select(port => port.Stream.Value));
            foreach (var id in master.Ids)
            {
                Assert.True(model.TryRead(TegraSoc.Tegra124.FindSwgroup(id)!.Value.AsidRegister, 4, out var value));
                var asid = new TegraSwgroupAsid((uint)value);
                Assert.True(asid.IsEnabled);
                var domain = (Iommu.PagingDomain<Core.PageTables.Formats.TegraFormat>)master.Device!.Iommu!.Domain!;
                Assert.Equal(TegraTableData.For(domain.Table.Root.Value), model.TableData((int)asid.Asid));
            }
        }

        Assert.True(model.IsAhbReady);
        foreach (var hold in holds)
            hold.Dispose();
    }

    [Fact]
    public void A_masters_reset_line_is_the_controllers_hot_reset()
    {
        using var machine = Machine.Boot(Runs.Own("tegra124-media"));
        var model = (TegraSmmu)machine.Units[0].Model;
        var camera = machine.Masters.Single(master => master.Name == "54600000.camera").Device!;
        Assert.Equal(
            ["70019000.memory-controller ISP2", "70019000.memory-controller ISP2B"],
            new[] { camera.Resets["mc"].Name, camera.Resets["mc-b"].Name });
        using var hold = machine.Units[0].Device.Power.Hold();
        camera.Resets["mc-b"].Enable();
        Assert.Equal(0u, Control());
        camera.Resets["mc-b"].Disable();
        Assert.Equal(1u << 1, Control());

        uint Control()
        {
            Assert.True(model.TryRead(TegraMcRegister.HotResetControl1, 4, out var value));
            return (uint)value & (1 << 1);
        }
    }

    [Fact]
    public void The_driver_of_the_board_hears_of_errors()
    {
        using var machine = Machine.Boot(Runs.Own("tegra124-media"));
        using var hold = machine.Masters[0].Device!.Power.Hold();
        var errors = new List<TegraMemoryError>();
        ((TegraSmmuUnit)machine.Units[0].Device.Bound!).ErrorFound += errors.Add;
        Assert.Equal(DmaStatus.Refused, machine.Masters[0].Ports[0].Read(new Iova(0xFFFF_F000), new byte[4], out _));
        Assert.Equal("display0a: read of 0xfffff000: InvalidSmmuPage (--S)", Assert.Single(errors).ToString());
    }
}
