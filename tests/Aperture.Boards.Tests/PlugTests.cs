using Aperture.Boards.Running;
using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Drivers.Nic;
using Aperture.Hardware.Masters;
using Aperture.Firmware;
using Aperture.Iommu;

namespace Aperture.Boards.Tests;

public sealed class PlugTests
{
    [Fact]
    public void A_block_takes_the_place_of_a_master_and_goes_again()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"));
        foreach (var master in machine.Masters)
        {
            var device = master.Device!;
            var (regions, interrupts) = (device.Registers.Count, device.Interrupts.Count);
            var plug = machine.Plug(master, ports => new Nic(ports[0]));
            Assert.Same(device, plug.Device);
            Assert.Equal((regions + 1, interrupts + 1), (device.Registers.Count, device.Interrupts.Count));
            plug.Dispose();
            plug.Dispose();
            Assert.Equal((regions, interrupts), (device.Registers.Count, device.Interrupts.Count));
        }

        Runs.AssertAllHeld(machine);
    }

    [Fact]
    public void A_block_loses_its_power_with_the_master_s_domain()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"));
        using var plug = machine.Plug(machine.Masters.First(master => master.Device!.PowerDomains.Count > 0), ports => new Nic(ports[0]));
        Assert.False(plug.Model.IsPowered);
        using (plug.Device.Power.Hold())
            Assert.True(plug.Model.IsPowered);
        Assert.False(plug.Model.IsPowered);
    }

    [Fact]
    public void A_device_of_its_own_reaches_memory_directly()
    {
        using var machine = Machine.Boot(Runs.Own("omap3-isp"));
        var devices = machine.Drivers.Devices.Count;
        using (var plug = machine.Plug("test,nic", port => new Nic(port), new DeviceDescription { IsCoherent = true }))
        {
            Assert.True(machine.Drivers.Bind(plug.Device, new NicDriver(["test,nic"])));
            Assert.Equal("direct", plug.Device.Dma.Path);
            Assert.True(plug.Device.Dma.Snoops);
            Assert.Equal(devices + 1, machine.Drivers.Devices.Count);
            var traffic = new NicTraffic(machine, (NetworkCard)plug.Device.Bound!, (Nic)plug.Model);
            Assert.True(traffic.Run(), string.Join('\n', traffic.Lines));
        }

        Assert.Equal(devices, machine.Drivers.Devices.Count);
    }

    [Fact]
    public void What_cannot_be_plugged_in_is_told_by_name()
    {
        using var machine = Machine.Boot(Runs.Own("omap3-isp"));
        var skipped = machine.Masters[0] with { Device = null, Skipped = "it is not there" };
        Assert.Contains("it is not there", Assert.Throws<ApertureException>(() => machine.Plug(skipped, ports => new Nic(ports[0]))).Message, StringComparison.Ordinal);
        var behind = new DeviceDescription { Identity = new MasterIdentity { Units = [new IommuSpecifier(this, "u", [])] } };
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => machine.Plug("test,nic", port => new Nic(port), behind)).Status);
    }
}
