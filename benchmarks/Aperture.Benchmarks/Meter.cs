using System.Diagnostics;

namespace Aperture.Benchmarks;

/// <summary>Times a loop: warm-up until compiled and steady, then the fastest of several rounds, because a shared machine only
/// ever adds time.</summary>
internal static class Meter
{
    /// <summary>Nanoseconds and bytes allocated per call.</summary>
    /// <param name="loop">Does the work so many times.</param>
    /// <param name="budget">How long all of it may take, roughly.</param>
    public static (double Nanoseconds, double Allocated) Measure(Action<int> loop, TimeSpan budget)
    {
        var times = 1;
        var end = Stopwatch.GetTimestamp() + (long)(budget.TotalSeconds * 0.4 * Stopwatch.Frequency);
        var round = budget / 16;
        while (Stopwatch.GetTimestamp() < end)
        {
            var start = Stopwatch.GetTimestamp();
            loop(times);
            if (Stopwatch.GetElapsedTime(start) < round)
                times = Math.Min(times * 2, 1 << 28);
        }

        while (times > 1 && Time(loop, times) > round)
            times /= 2;

        var best = double.MaxValue;
        var allocated = double.MaxValue;
        for (var i = 0; i < 8; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var time = Time(loop, times);
            allocated = Math.Min(allocated, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)times);
            best = Math.Min(best, time.TotalNanoseconds / times);
        }

        return (best, allocated);
    }

    private static TimeSpan Time(Action<int> loop, int times)
    {
        var start = Stopwatch.GetTimestamp();
        loop(times);
        return Stopwatch.GetElapsedTime(start);
    }
}
