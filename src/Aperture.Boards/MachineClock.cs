using Aperture.Core;
using Aperture.Core.Threading;
using Aperture.Devices;

namespace Aperture.Boards;

/// <summary>The time of a simulated machine. It stands still until somebody advances it, so that equal runs have equal times.</summary>
/// <remarks>Timers fire on the thread that advances the clock, in the order in which they are due; those due at the same time
/// in the order in which they were set. A timer takes one place however often it is set. Under a <see cref="GatedLock"/> time passes too,
/// but no timer fires: what fell due does, in its order, when the thread lets its last such lock go. A timer that throws keeps neither
/// the time nor other timers back; that comes out at the end.</remarks>
public sealed partial class MachineClock : TimeProvider, IStandingClock, IGateEvent
{
    private readonly Lock _lock = new(); // guards everything below; never held while a timer fires
    private readonly TimerHeap _due = new();
    private long _now;   // ticks of 100 ns since power-on
    private long _order; // counts settings, to keep their order
    private ThreadRecord? _waiting; // a thread in whose gate the timers that are due wait

    /// <summary>The time since power-on.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Volatile.Read(ref _now));

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers are set and wait for their time.</summary>
    public int SetTimers
    {
        get
        {
            lock (_lock)
                return _due.Count;
        }
    }

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
        var end = Later(Volatile.Read(ref _now), time.Ticks);
        var errors = default(ThrownErrors);
        if (EventGate.IsOpen)
            FireUntil(end, ref errors);
        bool isLate;
        lock (_lock)
        {
            Volatile.Write(ref _now, Math.Max(end, _now));
            isLate = _due.First is { } late && late.Due <= _now;
        }

        if (isLate)
            FireWhenOpen(ref errors);
        errors.Throw();
    }

    private void FireWhenOpen(ref ThrownErrors errors)
    {
        // Once is enough for each thread: when its gate opens, all that is due by then fires.
        var thread = ThreadRecord.Current;
        if (Interlocked.Exchange(ref _waiting, thread) == thread)
            return;
        try
        {
            EventGate.Post(this);
        }
        catch (Exception error)
        {
            errors.Add(error);
        }
    }

    /// <inheritdoc/>
    void IGateEvent.Deliver()
    {
        Interlocked.CompareExchange(ref _waiting, null, ThreadRecord.Current);
        var errors = default(ThrownErrors);
        FireUntil(Volatile.Read(ref _now), ref errors);
        errors.Throw();
    }

    private void FireUntil(long end, ref ThrownErrors errors)
    {
        while (TakeNext(end) is { } timer)
        {
            try
            {
                timer.Fire();
            }
            catch (Exception error)
            {
                errors.Add(error);
            }
        }
    }

    /// <summary>The first timer that is due by <paramref name="end"/>, at its own time; one with a period is set again at once.</summary>
    private Timer? TakeNext(long end)
    {
        lock (_lock)
        {
            if (_due.First is not { } timer || timer.Due > end)
                return null;
            Volatile.Write(ref _now, Math.Max(timer.Due, _now));
            if (timer.Period > 0)
                Set(timer, timer.Period);
            else
                _due.Remove(timer);
            _due.AssertInvariants();
            return timer;
        }
    }

    private void Set(Timer timer, long after)
    {
        timer.Due = Later(_now, after);
        timer.Order = _order++;
        _due.Put(timer);
    }

    private static long Later(long ticks, long after) => after > long.MaxValue - ticks ? long.MaxValue : ticks + after;
}
