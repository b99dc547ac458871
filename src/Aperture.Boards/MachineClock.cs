using Aperture.Devices;

namespace Aperture.Boards;

/// <summary>The time of a simulated machine. It stands still until somebody advances it, so that equal runs have equal times.</summary>
/// <remarks>Timers fire on the thread that advances the clock, in the order in which they are due; those due at the same time
/// in the order in which they were set.</remarks>
public sealed class MachineClock : TimeProvider, IStandingClock
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<Due, (long Ticks, long Order)> _due = new(); // what fires when; entries of changed timers are stale
    private long _now;   // ticks of 100 ns since power-on
    private long _order; // counts settings, to keep their order

    /// <summary>The time since power-on.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Volatile.Read(ref _now));

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => Volatile.Read(ref _now);

    /// <summary>The Unix epoch plus the time since power-on: a simulated machine has no calendar.</summary>
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + Elapsed;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <inheritdoc/>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        var end = Volatile.Read(ref _now) + time.Ticks;
        while (TakeNext(end) is { } due)
            due.Timer.Fire(due.Version);
        Volatile.Write(ref _now, Math.Max(end, _now));
    }

    private Due? TakeNext(long end)
    {
        lock (_lock)
        {
            if (!_due.TryPeek(out var due, out var key) || key.Ticks > end)
                return null;
            _due.Dequeue();
            Volatile.Write(ref _now, Math.Max(key.Ticks, _now));
            return due;
        }
    }

    private void Set(Timer timer, int version, TimeSpan after)
    {
        lock (_lock)
            _due.Enqueue(new Due(timer, version), (_now + after.Ticks, _order++));
    }

    private sealed record Due(Timer Timer, int Version);

    private sealed class Timer(MachineClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period; // zero or less: fires once
        private int _version;     // settings so far; what is due for an older one is stale

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            var version = Interlocked.Increment(ref _version);
            if (dueTime >= TimeSpan.Zero)
                clock.Set(this, version, dueTime);
            return true;
        }

        public void Fire(int version)
        {
            if (version != Volatile.Read(ref _version))
                return;
            if (_period > TimeSpan.Zero)
                clock.Set(this, version, _period);
            callback(state);
        }

        public void Dispose() => Interlocked.Increment(ref _version);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
