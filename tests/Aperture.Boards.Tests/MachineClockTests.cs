using Aperture.Core.Threading;
using Aperture.Devices;

namespace Aperture.Boards.Tests;

public sealed class MachineClockTests
{
    private readonly MachineClock _clock = new();
    private readonly List<string> _fired = []; // name@milliseconds

    /// <summary>A11: a timer that was set a million times took 48 MiB until time moved.</summary>
    [Fact]
    public void A_timer_set_a_million_times_takes_one_place()
    {
        using var timer = Timer("a", -1);
        for (var i = 0; i < 100; i++)
            timer.Change(TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000_000; i++)
            timer.Change(TimeSpan.FromMilliseconds(10 + (i % 7)), Timeout.InfiniteTimeSpan);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1, _clock.SetTimers);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(["a@10"], _fired); // 999,999 % 7 is 0
        Assert.Equal(0, _clock.SetTimers);
    }

    [Fact]
    public void Timers_that_are_taken_back_take_no_place()
    {
        var timers = Enumerable.Range(0, 100).Select(i => Timer($"t{i}", i % 10)).ToArray();
        foreach (var timer in timers)
            timer.Dispose();
        Assert.Equal(0, _clock.SetTimers);
        Assert.False(timers[0].Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(_fired);
    }

    [Fact]
    public void Equal_times_fire_in_the_order_of_setting_and_setting_again_goes_last()
    {
        using var a = Timer("a", 5);
        using var b = Timer("b", 5);
        using var c = Timer("c", 5);
        a.Change(TimeSpan.FromMilliseconds(5), Timeout.InfiniteTimeSpan);
        _clock.Advance(TimeSpan.FromMilliseconds(5));
        Assert.Equal(["b@5", "c@5", "a@5"], _fired);
    }

    [Fact]
    public void A_period_goes_on_and_a_callback_may_set_any_timer()
    {
        ITimer? late = null;
        using var beat = Timer("beat", 2, 3);
        using var first = _clock.CreateTimer(_ =>
        {
            Fired("first");
            late!.Change(TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }, null, TimeSpan.FromMilliseconds(4), Timeout.InfiniteTimeSpan);
        late = Timer("late", 100);
        _clock.Advance(TimeSpan.FromMilliseconds(9));
        late.Dispose();
        Assert.Equal(["beat@2", "first@4", "beat@5", "late@5", "beat@8"], _fired);
        Assert.Equal(TimeSpan.FromMilliseconds(9), _clock.Elapsed);
    }

    [Fact]
    public void A_callback_may_let_time_pass_and_what_falls_due_fires_then()
    {
        using var outer = _clock.CreateTimer(_ =>
        {
            Fired("outer");
            _clock.Advance(TimeSpan.FromMilliseconds(10));
            Fired("end");
        }, null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        using var inner = Timer("inner", 6);
        _clock.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal(["outer@1", "inner@6", "end@11"], _fired);
        Assert.Equal(TimeSpan.FromMilliseconds(11), _clock.Elapsed);
    }

    /// <summary>B5: whoever waited under a lock ran every timer that fell due meanwhile under it.</summary>
    [Fact]
    public void Time_that_passes_under_a_lock_fires_its_timers_when_the_lock_is_let_go()
    {
        var registers = new GatedLock(LockRank.Registers);
        using var late = Timer("late", 4);
        using var beat = Timer("beat", 2, 3);
        using (registers.Hold())
        {
            Assert.False(_clock.WaitUntil(0, _ => _fired.Count > 0, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(6)));
            Assert.Equal(TimeSpan.FromMilliseconds(6), _clock.Elapsed);
            Assert.Empty(_fired);
        }

        Assert.Equal(["beat@6", "late@6"], _fired);
        _clock.Advance(TimeSpan.FromMilliseconds(3));
        Assert.Equal(["beat@6", "late@6", "beat@9"], _fired);
    }

    [Fact]
    public void Time_that_passes_under_a_lock_fires_its_timers_the_second_and_the_third_time_as_well()
    {
        var registers = new GatedLock(LockRank.Registers);
        using var beat = Timer("beat", 2, 2);
        var expected = new List<string>();
        for (var round = 1; round <= 3; round++)
        {
            using (registers.Hold())
            {
                _clock.Advance(TimeSpan.FromMilliseconds(2));
                Assert.Equal(expected, _fired);
            }

            expected.Add($"beat@{2 * round}");
            Assert.Equal(expected, _fired);
        }
    }

    [Fact]
    public void However_long_a_thread_waits_under_a_lock_its_gate_keeps_one_event()
    {
        var registers = new GatedLock(LockRank.Registers);
        using var timer = Timer("late", 1);
        using (registers.Hold())
        {
            for (var i = 0; i < 100; i++)
                _clock.Advance(TimeSpan.FromMilliseconds(1));
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10_000; i++)
                _clock.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(["late@10100"], _fired);
    }

    [Fact]
    public void A_timer_that_fires_late_may_take_the_lock()
    {
        var registers = new GatedLock(LockRank.Registers);
        using var timer = _clock.CreateTimer(_ =>
        {
            using (registers.Hold())
                Fired("taken");
        }, null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        using (registers.Hold())
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["taken@1"], _fired);
    }

    [Fact]
    public void The_longest_span_does_not_wrap()
    {
        using var timer = Timer("never", 1);
        timer.Change(TimeSpan.MaxValue, Timeout.InfiniteTimeSpan);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        timer.Change(TimeSpan.MaxValue, Timeout.InfiniteTimeSpan);
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.Empty(_fired);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_settings_fire_as_a_sorted_list_says(int seed)
    {
        var random = new Random(seed);
        var due = new Dictionary<int, (long At, int Order)>(); // what is set
        var expected = new List<string>();
        var timers = new ITimer[50];
        for (var i = 0; i < timers.Length; i++)
            timers[i] = Timer($"{i}", -1);
        var now = 0L;
        for (var order = 0; order < 20_000; order++)
        {
            var which = random.Next(timers.Length);
            var after = random.Next(-3, 30);
            timers[which].Change(after < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(after), Timeout.InfiniteTimeSpan);
            if (after < 0)
                due.Remove(which);
            else
                due[which] = (now + after, order);
            Assert.Equal(due.Count, _clock.SetTimers);
            if (random.Next(5) != 0)
                continue;
            now += random.Next(10);
            foreach (var (name, (at, _)) in due.Where(entry => entry.Value.At <= now).OrderBy(entry => entry.Value).ToArray())
            {
                expected.Add($"{name}@{at}");
                due.Remove(name);
            }

            _clock.Advance(TimeSpan.FromMilliseconds(now) - _clock.Elapsed);
            Assert.True(
                expected.SequenceEqual(_fired),
                $"seed {seed}, setting {order}: {_fired.LastOrDefault()} instead of {expected.LastOrDefault()}");
        }
    }

    private ITimer Timer(string name, int after, int period = -1) => _clock.CreateTimer(
        _ => Fired(name), null, TimeSpan.FromMilliseconds(after), TimeSpan.FromMilliseconds(period));

    private void Fired(string name) =>
        _fired.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}@{_clock.Elapsed.TotalMilliseconds}"));

    [Fact]
    public void A_timer_that_threw_stopped_the_time_and_the_timers_behind_it()
    {
        using var first = _clock.CreateTimer(
            _ => throw new InvalidOperationException("first"), null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        using var second = Timer("second", 2);
        Assert.Throws<InvalidOperationException>(() => _clock.Advance(TimeSpan.FromMilliseconds(5)));
        Assert.Equal(["second@2"], _fired);
        Assert.Equal(5, _clock.Elapsed.TotalMilliseconds);
    }
}
