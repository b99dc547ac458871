using Aperture.Core;
using Aperture.Devices;
using Aperture.Power;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Devices;

public sealed class ProbeTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Most_specific_compatible_wins()
    {
        var general = _machine.Driver("vendor,general");
        var special = _machine.Driver("vendor,special");
        var device = new Device("a") { Description = new DeviceDescription { Compatible = ["vendor,special", "vendor,general"] } };

        _machine.Core.Add(device);

        Assert.Same(special, device.Driver);
        Assert.NotSame(general, device.Driver);
    }

    [Fact]
    public void Driver_may_come_after_the_device()
    {
        var device = FakeMachine.Device("a", "x");
        _machine.Core.Add(device);
        Assert.Equal([device], _machine.Core.Unmatched);

        _machine.Driver("x");

        Assert.NotNull(device.Bound);
        Assert.Empty(_machine.Core.Unmatched);
    }

    /// <summary>Only the end of the log had the reason.</summary>
    [Fact]
    public void A_bind_that_gives_false_has_its_reason()
    {
        var device = FakeMachine.Device("a", "x");
        var waiting = FakeMachine.Device("w", "x", FakeMachine.Device("ghost", "x"));
        _machine.Core.Add(device);
        Assert.Equal("a: no driver serves (x)", _machine.Core.WhyUnbound(device));
        var driver = _machine.Driver("x");
        Assert.Null(_machine.Core.WhyUnbound(device));
        _machine.Core.Unbind(device);
        Assert.Equal("a: was unbound", _machine.Core.WhyUnbound(device));

        driver.OnProbe = _ => throw new ApertureException(Status.IoError, "a is on fire");
        Assert.False(_machine.Core.Bind(device));
        Assert.Equal("a is on fire", _machine.Core.WhyUnbound(device));

        _machine.Core.Add(waiting);
        Assert.Equal("w waits for ghost, which is not in the machine", _machine.Core.WhyUnbound(waiting));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => _machine.Core.WhyUnbound(new Device("other"))).Status);
    }

    [Fact]
    public void Any_order_of_devices_ends_the_same()
    {
        // c behind b behind a; m a master behind unit u, which needs a; l has a supplier that never comes.
        var orders = 0;
        foreach (var order in Permutations([0, 1, 2, 3, 4, 5]))
        {
            orders++;
            using var machine = new FakeMachine();
            machine.Driver("x");
            machine.UnitDriver();
            var a = FakeMachine.Device("a", "x");
            var b = FakeMachine.Device("b", "x", a);
            var c = FakeMachine.Device("c", "x", b, a);
            var u = FakeMachine.Device("u", "iommu", a);
            var m = FakeMachine.Master("m", "x", (u, 3));
            var l = FakeMachine.Device("l", "x", FakeMachine.Device("ghost", "x"));
            Device[] all = [a, b, c, u, m, l];

            foreach (var index in order)
                machine.Core.Add(all[index]);

            Assert.All(all[..5], device => Assert.NotNull(device.Bound));
            Assert.Equal("l waits for ghost, which is not in the machine", Assert.Single(machine.Core.Deferred).Reason);
            Assert.Equal("iommu", m.Dma.Path);
            Assert.Equal(all.Length - 1, machine.Calls.Count(call => call.EndsWith(" probe", StringComparison.Ordinal)));
            Assert.All(all, device => Assert.False(device.Power.IsActive));
        }

        Assert.Equal(720, orders);
    }

    [Fact]
    public void Driver_that_defers_is_tried_again_when_something_is_bound()
    {
        var ready = false;
        _machine.Register(new FakeDriver(_machine.Calls, "x")
        {
            OnProbe = _ =>
            { if (!ready) throw new ApertureException(Status.ProbeDefer, "a waits for the firmware"); }
        });
        _machine.Driver("y");
        var a = FakeMachine.Device("a", "x");
        _machine.Core.Add(a);
        Assert.Equal(["a waits for the firmware"], _machine.Core.Deferred.Select(deferred => deferred.Reason));

        ready = true;
        _machine.Core.Add(FakeMachine.Device("b", "y"));

        Assert.NotNull(a.Bound);
        Assert.Equal(["a Deferred: a waits for the firmware", "b Bound", "a Bound"], _machine.Log);
    }

    [Fact]
    public void Root_of_all_waiting_is_named()
    {
        _machine.Driver("x");
        var failing = _machine.Driver("bad");
        failing.OnProbe = _ => throw new ApertureException(Status.IoError, "no answer");
        var bad = FakeMachine.Device("bad", "bad");
        var odd = FakeMachine.Device("odd", "unknown,thing");
        foreach (var device in (Device[])[FakeMachine.Device("c", "x", FakeMachine.Device("ghost", "x")), bad, odd])
            _machine.Core.Add(device);
        var b = FakeMachine.Device("b", "x", bad);
        _machine.Core.Add(b);
        _machine.Core.Add(FakeMachine.Device("a", "x", b));
        _machine.Core.Add(FakeMachine.Device("d", "x", odd));

        Assert.Equal(
            [
                ("c", "ghost", "c waits for ghost, which is not in the machine"),
                ("b", "bad", "b waits for bad, which failed: no answer"),
                ("a", "bad", "a waits for b, which waits for bad, which failed: no answer"),
                ("d", "odd", "d waits for odd, which no driver serves (unknown,thing)"),
            ],
            _machine.Core.Deferred.Select(deferred => (deferred.Device.Name, deferred.Supplier, deferred.Reason)));
    }

    [Fact]
    public void Cycle_is_reported()
    {
        _machine.Driver("x");
        var key = new object();
        var a = new Device("a")
        {
            Description = new DeviceDescription { Compatible = ["x"], Suppliers = [new SupplierReference(key, "b")] }
        };
        var b = FakeMachine.Device("b", "x", a);
        _machine.Core.Add(a);
        _machine.Core.Add(b);
        Assert.Equal("b", _machine.Core.Deferred[0].Supplier);

        var first = new Device("first");
        var second = FakeMachine.Device("second", "x", first);
        var closed = new Device("closed")
        {
            Description = new DeviceDescription { Compatible = ["x"], Suppliers = [new SupplierReference(second.Key, "second")] }
        };
        first.Power.AddSupplier(second);
        var failure = Assert.Throws<ApertureException>(() => second.Power.AddSupplier(first));
        Assert.Contains("first depends on second", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(closed);
    }

    [Fact]
    public void Adding_twice_is_refused()
    {
        var a = FakeMachine.Device("a", "x");
        _machine.Core.Add(a);
        Assert.Equal(Status.AlreadyExists, Assert.Throws<ApertureException>(() => _machine.Core.Add(a)).Status);
    }

    [Fact]
    public void Device_added_by_a_probe_is_probed_after_it()
    {
        var child = FakeMachine.Device("child", "y");
        _machine.Driver("y");
        _machine.Register(new FakeDriver(_machine.Calls, "bus") { OnProbe = _ => _machine.Core.Add(child) });

        _machine.Core.Add(FakeMachine.Device("bus", "bus"));

        Assert.Equal(["bus Bound", "child Bound"], _machine.Log);
    }

    [Fact]
    public void Gates_are_resolved_by_name_or_number_before_the_probe()
    {
        var gates = new Dictionary<(string, GateKind, uint), Gate>();
        _machine.GateDriver(gates);
        var controller = FakeMachine.Device("ctl", "gates");
        var seen = "";
        _machine.Register(new FakeDriver(_machine.Calls, "x")
        {
            OnProbe = device => seen =
                $"{string.Join(',', device.Clocks.Select(clock => $"{clock.Key}={clock.Value.Name}"))} {device.Resets["0"].Name} " +
                $"{device.PowerDomains[0].IsOn}",
        });
        var a = new Device("a")
        {
            Description = new DeviceDescription
            {
                Compatible = ["x"],
                Gates =
                [
                    new GateSpecifier(GateKind.Clock, "fck", controller.Key, "ctl", [1]),
                    new GateSpecifier(GateKind.Clock, null, controller.Key, "ctl", [2]),
                    new GateSpecifier(GateKind.Reset, null, controller.Key, "ctl", [3]),
                    new GateSpecifier(GateKind.PowerDomain, null, controller.Key, "ctl", [4]),
                ],
            },
        };
        _machine.Core.Add(a);
        Assert.Equal("a waits for ctl (clock fck <1>)", _machine.Core.Log[0].Detail);
        _machine.Core.Add(controller);

        Assert.Equal("fck=ctl 1,1=ctl 2 ctl 3 True", seen);
        Assert.False(gates[("ctl", GateKind.PowerDomain, 4)].IsOn);
        Assert.Equal([controller], a.Power.Suppliers);
    }

    [Fact]
    public void Gate_that_the_provider_does_not_have_fails_the_probe_by_name()
    {
        _machine.GateDriver([]);
        _machine.Driver("x");
        var controller = FakeMachine.Device("ctl", "gates");
        _machine.Core.Add(controller);
        _machine.Core.Add(new Device("a")
        {
            Description = new DeviceDescription
            {
                Compatible = ["x"],
                Gates = [new GateSpecifier(GateKind.Reset, "rst", controller.Key, "ctl", [9])]
            }
        });

        Assert.Equal("a Failed: a asks ctl for reset rst <9>, which it does not have (OutOfRange)", _machine.Log[^1]);
        Assert.Empty(_machine.Core.Deferred);
    }

    private static IEnumerable<int[]> Permutations(int[] items)
    {
        if (items.Length <= 1)
            return [items];
        return items.SelectMany((item, index) => Permutations([.. items[..index], .. items[(index + 1)..]])
            .Select(rest => (int[])[item, .. rest]));
    }
}
