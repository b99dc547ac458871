using System.Diagnostics;

namespace Aperture.Benchmarks;

/// <summary>The same work for two threads at once, and how much more they get done than one alone.</summary>
/// <param name="First">A loop for the calling thread.</param>
/// <param name="Second">One for a second thread, which never shares what it works on.</param>
internal sealed record Pair(Action<int> First, Action<int> Second)
{
    private const double RoundNanoseconds = 100_000; // so short that on a busy machine both threads run undisturbed in some of them

    private long _arrivals; // of both threads at the beginnings and ends of rounds

    /// <summary>Times the first loop alone, then both at once: the fastest of many short rounds.</summary>
    /// <returns>Nanoseconds per call of one thread alone, and of the two together: half of it when they do not hinder each other.</returns>
    public (double One, double Two) Measure(TimeSpan budget)
    {
        var one = Meter.Measure(First, budget / 3).Nanoseconds;
        var times = Math.Max(1, (int)(RoundNanoseconds / one));
        var two = double.MaxValue;
        var isOver = false;
        var other = new Thread(() =>
        {
            Meter.Measure(Second, budget / 6);
            for (long round = 0; ; round++)
            {
                Meet(2 * round);
                if (Volatile.Read(ref isOver))
                    return;
                Second(times);
                Meet((2 * round) + 1);
            }
        });
        other.Start();
        Meet(0);
        var end = Stopwatch.GetTimestamp() + (long)(budget.TotalSeconds / 2 * Stopwatch.Frequency);
        for (long round = 0; !isOver; round++)
        {
            var start = Stopwatch.GetTimestamp();
            First(times);
            Meet((2 * round) + 1);
            var now = Stopwatch.GetTimestamp();
            two = Math.Min(two, Stopwatch.GetElapsedTime(start, now).TotalNanoseconds / times / 2);
            Volatile.Write(ref isOver, now > end);
            Meet((2 * round) + 2);
        }

        other.Join();
        return (one, two);
    }

    /// <summary>Waits, without sleeping, until both threads came here for the given time.</summary>
    private void Meet(long time)
    {
        Interlocked.Increment(ref _arrivals);
        var wait = default(SpinWait);
        while (Volatile.Read(ref _arrivals) < 2 * (time + 1))
            wait.SpinOnce(-1);
    }
}
