using Aperture.Devices;

namespace Aperture.Conformance.Drivers;

/// <summary>The time of a replay. It passes only while a driver waits, and nobody has timers: recordings have no time.</summary>
internal sealed class RecordedClock : TimeProvider, IStandingClock
{
    private long _now; // ticks of 100 ns since the replay began

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => _now;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(_now);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        throw new NotSupportedException("a replay has no timers");

    /// <inheritdoc/>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        _now += time.Ticks;
    }
}
