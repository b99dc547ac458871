using Aperture.Core;
using Aperture.Devices;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Devices;

public sealed class SleepTests : IDisposable
{
    private readonly FakeMachine _machine = new();
    private readonly FakeDriver _driver;
    private readonly Device _a = FakeMachine.Device("a", "x");
    private readonly Device _b;
    private readonly Device _c;
    private readonly Device _idle = FakeMachine.Device("idle", "x");

    public SleepTests()
    {
        _driver = _machine.Driver("x");
        _b = FakeMachine.Device("b", "x", _a);
        _c = FakeMachine.Device("c", "x", _b);
        // c arrives first: the order of sleep is that of the links, not of arrival.
        foreach (var device in (Device[])[_c, _a, _idle, _b])
            _machine.Core.Add(device);
        _c.Power.Get();
        _machine.Calls.Clear();
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Consumers_sleep_first_and_wake_last_and_idle_devices_are_left_alone()
    {
        _machine.Core.Suspend();
        Assert.Equal(["c sleep", "b sleep", "a sleep"], _machine.Calls);
        Assert.All((Device[])[_a, _b, _c], device => Assert.False(device.Power.IsActive));

        _machine.Calls.Clear();
        _machine.Core.Resume();
        Assert.Equal(["a wake", "b wake", "c wake"], _machine.Calls);
        Assert.All((Device[])[_a, _b, _c], device => Assert.True(device.Power.IsActive));
        Assert.Equal(1, _c.Power.UseCount);
        Assert.False(_idle.Power.IsActive);

        _c.Power.Put();
        Assert.All((Device[])[_a, _b, _c], device => Assert.False(device.Power.IsActive));
    }

    [Fact]
    public void Device_that_refuses_wakes_the_others_and_is_named()
    {
        _driver.OnCall = (device, what) =>
            { if (device == _a && what == "sleep") throw new ApertureException(Status.Busy, "firmware runs"); };
        var failure = Assert.Throws<ApertureException>(_machine.Core.Suspend);
        Assert.Equal("the system cannot sleep: a could not be suspended: firmware runs", failure.Message);
        Assert.Equal(["c sleep", "b sleep", "a sleep", "b wake", "c wake"], _machine.Calls);
        Assert.False(_machine.Core.IsAsleep);
        Assert.All((Device[])[_a, _b, _c], device => Assert.True(device.Power.IsActive));
        _c.Power.Put();
        Assert.False(_a.Power.IsActive);
    }

    [Fact]
    public void Device_that_does_not_wake_takes_its_consumers_along_and_no_other()
    {
        _idle.Power.Get();
        _machine.Core.Suspend();
        var dead = true;
        _driver.OnCall = (device, what) =>
            { if (device == _b && what == "wake" && dead) throw new ApertureException(Status.TimedOut, "no answer"); };
        var failure = Assert.Throws<ApertureException>(_machine.Core.Resume);

        Assert.Equal("the system is awake without b, c: no answer", failure.Message);
        Assert.True(_idle.Power.IsActive);
        Assert.False(_b.Power.IsActive);
        Assert.False(_c.Power.IsActive);
        Assert.False(_a.Power.IsActive);

        // The hold on c still counts; the next one brings everything back.
        dead = false;
        _c.Power.Get();
        Assert.True(_b.Power.IsActive);
        _c.Power.Put();
        _c.Power.Put();
        Assert.False(_a.Power.IsActive);
    }

    [Fact]
    public void Nothing_is_resumed_bound_or_removed_while_the_system_sleeps()
    {
        _machine.Core.Suspend();
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(_idle.Power.Get).Status);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => _machine.Core.Unbind(_a)).Status);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(_machine.Core.Suspend).Status);
        var late = FakeMachine.Device("late", "x");
        _machine.Core.Add(late);
        Assert.Null(late.Bound);

        _machine.Core.Resume();
        Assert.NotNull(late.Bound);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(_machine.Core.Resume).Status);
    }

    [Fact]
    public void Hold_given_back_in_sleep_takes_effect_after_it()
    {
        _machine.Core.Suspend();
        _c.Power.Put();
        _machine.Calls.Clear();
        _machine.Core.Resume();
        Assert.Equal(["a wake", "b wake", "c wake", "c suspend", "b suspend", "a suspend"], _machine.Calls);
    }

    [Fact]
    public void Driver_may_use_its_own_power_in_suspend()
    {
        _driver.OnCall = (device, what) =>
        {
            if (device == _c && what == "sleep")
                device.Power.Put();
            if (device == _c && what == "wake")
                device.Power.Get();
        };
        _machine.Core.Suspend();
        _machine.Core.Resume();
        Assert.Equal(1, _c.Power.UseCount);
        Assert.True(_c.Power.IsActive);
    }
}
