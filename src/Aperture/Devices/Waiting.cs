namespace Aperture.Devices;

/// <summary>How drivers wait for hardware: on a machine whose time is simulated waiting is what makes it pass, elsewhere the
/// thread sleeps.</summary>
public static class Waiting
{
    /// <summary>Waits.</summary>
    /// <param name="time">The machine's time.</param>
    /// <param name="span">How long; zero or more.</param>
    public static void Wait(this TimeProvider time, TimeSpan span)
    {
        ArgumentNullException.ThrowIfNull(time);
        if (time is IStandingClock clock)
            clock.Advance(span);
        else
            Thread.Sleep(span);
    }

    /// <summary>Asks again and again until the answer is yes.</summary>
    /// <param name="time">The machine's time.</param>
    /// <param name="state">What is asked.</param>
    /// <param name="isDone">The question; it is asked at least once, and a last time at the end of the limit.</param>
    /// <param name="interval">From one question to the next.</param>
    /// <param name="limit">When to give up.</param>
    /// <returns>False when the limit was reached without a yes.</returns>
    public static bool WaitUntil<T>(this TimeProvider time, T state, Func<T, bool> isDone, TimeSpan interval, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(isDone);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        var start = time.GetTimestamp();
        while (true)
        {
            var isLast = time.GetElapsedTime(start) >= limit; // before the question: what comes true while this thread is held up counts
            if (isDone(state))
                return true;
            if (isLast)
                return false;
            time.Wait(interval);
        }
    }
}
