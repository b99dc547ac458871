namespace Aperture.Power;

// Staying active for a while after the last hold.
public sealed partial class RuntimePower
{
    private ITimer? _timer;  // runs from the last hold on; made on first use
    private long _idleSince; // timestamp of when the last hold went
    private TimeSpan _delay; // how long to stay active after that

    /// <summary>How long the device stays active after the last hold, on the machine's clock. Zero, the default, suspends at once;
    /// <see cref="Timeout.InfiniteTimeSpan"/> never. Back at zero when the driver lets go.</summary>
    public TimeSpan AutosuspendDelay
    {
        get => _delay;
        set
        {
            if (value < TimeSpan.Zero && value != Timeout.InfiniteTimeSpan)
                throw new ArgumentOutOfRangeException(nameof(value), value, "a delay is not negative");
            lock (_lock)
            {
                _delay = value;
                if (IsActive && UseCount == 0 && !_changing)
                    Idle();
            }
        }
    }

    /// <summary>The machine's clock. Set by the driver core before anybody holds the device.</summary>
    internal TimeProvider Time { get; set; } = TimeProvider.System;

    private void Idle()
    {
        if (_delay == TimeSpan.Zero)
        {
            Suspend();
            return;
        }

        if (_delay == Timeout.InfiniteTimeSpan)
            return;
        _idleSince = Time.GetTimestamp();
        _timer ??= Time.CreateTimer(
            static power => ((RuntimePower)power!).OnTimer(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _timer.Change(_delay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The delay may be over. Whoever runs timers is told of nothing that goes wrong: on a host an exception here would end the
    /// process.</summary>
    private void OnTimer()
    {
        try
        {
            SuspendIfIdle();
        }
        catch (Exception e)
        {
            SuspendFailed?.Invoke(_device, e);
        }
    }

    private void SuspendIfIdle()
    {
        lock (_lock)
        {
            if (!IsActive || UseCount > 0 || _changing || _asleep || _delay == Timeout.InfiniteTimeSpan)
                return;
            // It was held and let go again since the timer was set, or the timer is early.
            var left = _delay - Time.GetElapsedTime(_idleSince);
            if (left > TimeSpan.Zero)
                _timer?.Change(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
            else
                Suspend();
        }
    }

    /// <summary>The driver has gone: forgets the delay and switches the device off, whoever still holds it.</summary>
    /// <returns>Number of holds that were left.</returns>
    internal int Reset()
    {
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = null;
            _delay = TimeSpan.Zero;
            var left = Interlocked.Exchange(ref _word, 0) & CountMask;
            PowerDown();
            return left;
        }
    }
}
