using Aperture.Core;
using Aperture.Devices;
using Aperture.Power;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Power;

public sealed class RuntimePowerTests : IDisposable
{
    private readonly FakeMachine _machine = new();
    private readonly FakeDriver _driver;
    private readonly Dictionary<(string, GateKind, uint), Gate> _gates = [];
    private readonly Device _supplier = FakeMachine.Device("s", "x");
    private readonly Device _device;

    public RuntimePowerTests()
    {
        _driver = _machine.Driver("x");
        _machine.GateDriver(_gates);
        var controller = FakeMachine.Device("ctl", "gates");
        foreach (var cell in (uint[])[1, 2])
        {
            var gate = new Gate(GateKind.PowerDomain, $"pd{cell}");
            gate.Changed += on => _machine.Calls.Add($"pd{cell} {(on ? "on" : "off")}");
            _gates.Add(("ctl", GateKind.PowerDomain, cell), gate);
        }

        _device = new Device("d")
        {
            Description = new DeviceDescription
            {
                Compatible = ["x"],
                Suppliers = [new SupplierReference(_supplier.Key, "s")],
                Gates = [.. ((uint[])[1, 2]).Select(cell => new GateSpecifier(GateKind.PowerDomain, null, controller.Key, "ctl", [cell]))],
            },
        };
        foreach (var device in (Device[])[controller, _supplier, _device])
            _machine.Core.Add(device);
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Probe_runs_with_power_and_suppliers_and_leaves_the_device_idle()
    {
        Assert.Equal(
            ["ctl probe", "ctl suspend", "s probe", "s suspend", "pd1 on", "pd2 on", "s resume", "ctl resume", "d probe", "d suspend",
                "ctl suspend", "s suspend", "pd2 off", "pd1 off"],
            _machine.Calls);
    }

    [Fact]
    public void Way_up_and_way_down_mirror_each_other()
    {
        _machine.Calls.Clear();
        using (_device.Power.Hold())
        {
            using var second = _device.Power.Hold();
            Assert.True(_device.Power.IsActive);
            Assert.True(_supplier.Power.IsActive);
            Assert.Equal(2, _device.Power.UseCount);
        }

        Assert.Equal(["pd1 on", "pd2 on", "s resume", "ctl resume", "d resume", "d suspend", "ctl suspend", "s suspend", "pd2 off",
            "pd1 off"], _machine.Calls);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(_device.Power.Put).Status);
    }

    [Fact]
    public void Failing_resume_rolls_back_and_is_reported()
    {
        _machine.Calls.Clear();
        _driver.OnCall = (device, what) => { if (device == _device && what == "resume") throw new BusErrorException("d", 4, true); };
        var failure = Assert.Throws<ApertureException>(_device.Power.Get);
        Assert.StartsWith("d could not be resumed: bus error", failure.Message, StringComparison.Ordinal);
        Assert.IsType<BusErrorException>(failure.InnerException);
        Assert.Equal(["pd1 on", "pd2 on", "s resume", "ctl resume", "d resume", "ctl suspend", "s suspend", "pd2 off", "pd1 off"],
            _machine.Calls);
        Assert.Equal(0, _device.Power.UseCount);
        Assert.Equal(0, _supplier.Power.UseCount);
    }

    [Fact]
    public void Failing_supplier_is_named_on_the_way()
    {
        _driver.OnCall = (device, what) =>
            { if (device == _supplier && what == "resume") throw new ApertureException(Status.TimedOut, "no clock"); };
        var failure = Assert.Throws<ApertureException>(_device.Power.Get);
        Assert.Equal("d could not be resumed: s could not be resumed: no clock", failure.Message);
        Assert.Equal(Status.TimedOut, failure.Status);
        Assert.All(_gates.Values, gate => Assert.False(gate.IsOn));
    }

    [Fact]
    public void Failing_suspend_leaves_the_device_active_and_is_logged()
    {
        var fail = true;
        _driver.OnCall = (device, what) =>
            { if (device == _device && what == "suspend" && fail) throw new ApertureException(Status.Busy, "still running"); };
        _device.Power.Get();
        _device.Power.Put();
        Assert.True(_device.Power.IsActive);
        Assert.Equal(0, _device.Power.UseCount);
        Assert.Equal("d Trouble: could not be suspended: still running", _machine.Log[^1]);

        fail = false;
        _device.Power.Hold().Dispose();
        Assert.False(_device.Power.IsActive);
    }

    [Fact]
    public void Autosuspend_counts_from_the_last_hold()
    {
        _device.Power.AutosuspendDelay = TimeSpan.FromMilliseconds(20);
        _device.Power.Hold().Dispose();
        _machine.Time.Advance(TimeSpan.FromMilliseconds(15));
        _device.Power.Hold().Dispose();
        _machine.Time.Advance(TimeSpan.FromMilliseconds(15));
        Assert.True(_device.Power.IsActive);
        _machine.Time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.False(_device.Power.IsActive);
        Assert.False(_supplier.Power.IsActive);
    }

    [Fact]
    public void Autosuspend_finds_a_held_device_and_leaves_it()
    {
        _device.Power.AutosuspendDelay = TimeSpan.FromMilliseconds(20);
        _device.Power.Hold().Dispose();
        _device.Power.Get();
        _machine.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_device.Power.IsActive);
        _device.Power.Put();
        _device.Power.AutosuspendDelay = Timeout.InfiniteTimeSpan;
        _machine.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_device.Power.IsActive);
        _device.Power.AutosuspendDelay = TimeSpan.Zero;
        Assert.False(_device.Power.IsActive);
        Assert.Throws<ArgumentOutOfRangeException>(() => _device.Power.AutosuspendDelay = TimeSpan.FromSeconds(-2));
    }

    [Fact]
    public void Hold_if_active_never_wakes()
    {
        Assert.False(_device.Power.TryHold(out var none));
        none.Dispose();
        using (_device.Power.Hold())
        {
            Assert.True(_device.Power.TryHold(out var hold));
            Assert.Equal(2, _device.Power.UseCount);
            hold.Dispose();
        }

        Assert.False(_device.Power.IsActive);
    }

    [Fact]
    public void Hold_from_inside_a_resume_only_counts()
    {
        _driver.OnCall = (device, what) =>
        {
            if (device == _device && what == "resume")
                device.Power.Hold().Dispose();
        };
        _machine.Calls.Clear();
        using (_device.Power.Hold())
            Assert.Equal(1, _device.Power.UseCount);
        Assert.Equal(1, _machine.Calls.Count(call => call == "d resume"));
        Assert.Equal(1, _machine.Calls.Count(call => call == "d suspend"));
    }

    [Fact]
    public void Hold_from_inside_a_suspend_brings_the_device_back()
    {
        _driver.OnCall = (device, what) => { if (device == _device && what == "suspend") device.Power.Get(); };
        _machine.Calls.Clear();
        _device.Power.Hold().Dispose();
        Assert.True(_device.Power.IsActive);
        Assert.Equal(["d resume", "d suspend", "d resume"], _machine.Calls.Where(call => call[0] == 'd'));
        _driver.OnCall = null;
        _device.Power.Put();
        Assert.False(_device.Power.IsActive);
    }

    [Fact]
    public void Supplier_added_to_an_active_device_is_held_at_once()
    {
        var late = FakeMachine.Device("late", "x");
        _machine.Core.Add(late);
        using (_device.Power.Hold())
        {
            _device.Power.AddSupplier(late);
            _device.Power.AddSupplier(late);
            Assert.Equal(1, late.Power.UseCount);
            _device.Power.RemoveSupplier(late);
            Assert.True(late.Power.IsActive);
            _device.Power.RemoveSupplier(late);
            Assert.False(late.Power.IsActive);
        }

        Assert.Equal(Status.NotFound, Assert.Throws<ApertureException>(() => _device.Power.RemoveSupplier(late)).Status);
    }

    [Fact]
    public void Holds_from_many_threads_balance()
    {
        var active = 0;
        _driver.OnCall = (device, what) =>
        {
            if (device != _device)
                return;
            if (what == "resume")
                Assert.Equal(1, Interlocked.Increment(ref active));
            else if (what == "suspend")
                Assert.Equal(0, Interlocked.Decrement(ref active));
        };
        var wrong = 0;
        var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                using var hold = _device.Power.Hold();
                if (!_device.Power.IsActive || !_supplier.Power.IsActive || Volatile.Read(ref active) != 1)
                    Interlocked.Increment(ref wrong);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal(0, wrong);
        Assert.Equal(0, _device.Power.UseCount);
        Assert.False(_supplier.Power.IsActive);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_driver_that_throws_in_its_autosuspend_ended_the_process_on_a_host(bool isAperture)
    {
        _device.Power.AutosuspendDelay = TimeSpan.FromMilliseconds(5);
        _driver.OnCall = (device, what) =>
        {
            if (device == _device && what == "suspend")
                throw isAperture ? new ApertureException(Status.IoError, "no answer") : new InvalidOperationException("no answer");
        };
        _device.Power.Hold().Dispose();
        _machine.Time.Advance(TimeSpan.FromMilliseconds(5)); // what a timer's callback throws nobody catches
        Assert.True(_device.Power.IsActive);
        Assert.Contains("d Trouble: could not be suspended: no answer", _machine.Log);
        _driver.OnCall = null;
        _device.Power.Hold().Dispose();
        _machine.Time.Advance(TimeSpan.FromMilliseconds(5));
        Assert.False(_device.Power.IsActive);
    }

    [Fact]
    public void Two_threads_could_make_two_devices_depend_on_each_other()
    {
        for (var round = 0; round < 3000; round++)
        {
            Device[] devices = [new("a"), new("b")];
            using var barrier = new Barrier(2);
            var linked = 0;
            Parallel.For(0, 2, new ParallelOptions { MaxDegreeOfParallelism = 2 }, i =>
            {
                barrier.SignalAndWait();
                try
                {
                    devices[i].Power.AddSupplier(devices[1 - i]);
                    Interlocked.Increment(ref linked);
                }
                catch (ApertureException e) when (e.Status == Status.InvalidArgument)
                {
                }
            });
            Assert.InRange(linked, 0, 1);
            Assert.Equal(linked, devices.Sum(device => device.Power.Suppliers.Count));
        }
    }
}
