namespace Aperture.Hardware.Tests.Masters;

/// <summary>Time that passes when the test says so: each step fires the timers that were set before it, in the order of their
/// setting.</summary>
internal sealed class SteppedTime : TimeProvider
{
    private readonly List<Timer> _set = [];

    /// <summary>Timers that are set.</summary>
    public int Waiting => _set.Count;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets a pause pass.</summary>
    /// <returns>Whether anybody waited for it.</returns>
    public bool Step()
    {
        var due = _set.ToArray();
        foreach (var timer in due)
        {
            if (_set.Remove(timer))
                timer.Fire();
        }

        return due.Length > 0;
    }

    private sealed class Timer(SteppedTime time, TimerCallback callback, object? state) : ITimer
    {
        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time._set.Remove(this);
            if (dueTime >= TimeSpan.Zero)
                time._set.Add(this);
            return true;
        }

        public void Dispose() => time._set.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
