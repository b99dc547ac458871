using Aperture.Boards.Running;
using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Nic;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Boards.Tests;

public sealed class PlugTests
{
    /// <summary>The block's registers were the device's last region, after those of the node and of the generic master.</summary>
    [Fact]
    public void A_block_takes_the_place_of_a_master_with_registers_and_interrupt_number_0_and_goes_again()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"));
        foreach (var master in machine.Masters)
        {
            var device = master.Device!;
            var (regions, interrupts, driver) = (device.Registers.ToArray(), device.Interrupts.ToArray(), device.Driver);
            var plug = machine.Plug(master, ports => new Nic(ports[0]));
            Assert.Same(device, plug.Device);
            Assert.Null(device.Bound);
            Assert.Equal((1, 1), (device.Registers.Count, device.Interrupts.Count));
            Assert.True(machine.Drivers.Bind(device, new NicDriver(device.Description.Compatible)));
            plug.Dispose();
            plug.Dispose();
            Assert.Equal(regions, device.Registers);
            Assert.Equal(interrupts, device.Interrupts);
            Assert.Same(driver, device.Driver);
        }

        Runs.AssertAllHeld(machine);
    }

    /// <summary>A block behind a master had its power domains, and neither its clocks nor its resets.</summary>
    [Fact]
    public void A_block_has_the_clocks_and_the_power_of_the_master_in_whose_place_it_is()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"));
        using var plug = machine.Plug(
            machine.Masters.First(master => master.Device is { PowerDomains.Count: > 0, Clocks.Count: > 0 }), ports => new Nic(ports[0]));
        Assert.False(plug.Model.IsPowered);
        Assert.False(plug.Model.IsClocked);
        Assert.True(machine.Drivers.Bind(plug.Device, new NicDriver(plug.Device.Description.Compatible)));
        using (plug.Device.Power.Hold())
        {
            Assert.True(plug.Model.IsPowered);
            Assert.True(plug.Model.IsClocked);
        }

        Assert.False(plug.Model.IsPowered);
        Assert.False(plug.Model.IsClocked);
    }

    [Theory]
    [InlineData(GateKind.Clock, "its clock was off")]
    [InlineData(GateKind.Reset, "it was in reset")]
    [InlineData(GateKind.PowerDomain, "its power was off")]
    public void A_block_that_does_dma_without_power_or_clock_is_named(GateKind kind, string why)
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"), new MachineOptions { Sanitizer = new SanitizerOptions() });
        var gates = new Gates();
        using var provider = machine.Drivers.RegisterGates(gates, gates);
        var description = new DeviceDescription { Gates = [new GateSpecifier(kind, "gate", gates, "test gates", [])] };
        DmaPort? ways = null;
        using var plug = machine.Plug("test,nic", port => new Nic(ways = port), description);
        Assert.True(machine.Drivers.Bind(plug.Device, new NicDriver(["test,nic"])));
        using var buffer = plug.Device.Dma.Allocate(64);
        using (plug.Device.Power.Hold())
            Assert.Equal(DmaStatus.Ok, ways!.Write(buffer.Address, [1], out _));
        machine.Sanitizer!.AssertClean();
        ways!.Write(buffer.Address, [1], out _);
        Assert.Contains(machine.Sanitizer.Findings, finding => finding.Kind == FindingKind.DeviceSuspended
            && finding.Message.EndsWith(why, StringComparison.Ordinal));
        machine.Sanitizer.Clear();
    }

    [Fact]
    public void A_block_of_its_own_has_the_gates_of_its_description()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"));
        var gates = new Gates();
        using var provider = machine.Drivers.RegisterGates(gates, gates);
        GateSpecifier Gate(GateKind kind, string name) => new(kind, name, gates, "test gates", []);
        var description = new DeviceDescription
        {
            Gates = [Gate(GateKind.Clock, "bus"), Gate(GateKind.Reset, "block"), Gate(GateKind.PowerDomain, "domain")],
        };
        using (var plug = machine.Plug("test,nic", port => new Nic(port), description))
        {
            Assert.Equal((false, false, true), (plug.Model.IsPowered, plug.Model.IsClocked, plug.Model.IsInReset));
            Assert.True(machine.Drivers.Bind(plug.Device, new NicDriver(["test,nic"])));
            using (plug.Device.Power.Hold())
                Assert.Equal((true, true, false), (plug.Model.IsPowered, plug.Model.IsClocked, plug.Model.IsInReset));
            Assert.False(plug.Model.Answers);
        }

        var unknown = description with { Gates = [new GateSpecifier(GateKind.Clock, "bus", this, "nobody", [])] };
        var error = Assert.Throws<ApertureException>(() => machine.Plug("test,nic", port => new Nic(port), unknown));
        Assert.Equal(Status.NotFound, error.Status);
        Assert.Contains("test,nic asks nobody for clock bus", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_block_that_was_pulled_out_hears_of_no_gate_any_more()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"));
        var master = machine.Masters.First(master => master.Device is { PowerDomains.Count: > 0, Resets.Count: 0 });
        var before = new List<Nic>();
        for (var round = 0; round < 3; round++)
        {
            Nic model;
            using (var plug = machine.Plug(master, ports => new Nic(ports[0])))
                model = (Nic)plug.Model;
            Assert.False(model.IsPowered);
            before.Add(model);
            using (master.Device!.Power.Hold())
                Assert.All(before, gone => Assert.False(gone.IsPowered));
        }
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
        Assert.Contains(
            "it is not there",
            Assert.Throws<ApertureException>(() => machine.Plug(skipped, ports => new Nic(ports[0]))).Message,
            StringComparison.Ordinal);
        var behind = new DeviceDescription { Identity = new MasterIdentity { Units = [new IommuSpecifier(this, "u", [])] } };
        Assert.Equal(
            Status.InvalidArgument, Assert.Throws<ApertureException>(() => machine.Plug("test,nic", port => new Nic(port), behind)).Status);
    }

    private sealed class Gates : IGateProvider
    {
        private readonly Dictionary<GateKind, Gate> _gates = [];

        public Status Resolve(GateKind kind, ReadOnlySpan<uint> cells, out Gate? gate)
        {
            if (!_gates.TryGetValue(kind, out gate))
                _gates.Add(kind, gate = new Gate(kind, $"test {kind}"));
            return Status.Ok;
        }
    }
}
