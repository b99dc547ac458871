using System.Diagnostics;
using System.Runtime;

namespace Aperture.Benchmarks;

/// <summary>Times a loop: warm-up until compiled and steady, then the fastest of many short rounds, because a shared machine only
/// ever adds time.</summary>
internal static class Meter
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(500); // nothing was compiled for so long: all is compiled for good
    private static readonly TimeSpan s_longestWarmUp = TimeSpan.FromSeconds(10);

    /// <summary>Nanoseconds and bytes allocated per call.</summary>
    /// <param name="loop">Does the work so many times.</param>
    /// <param name="budget">How long all of it may take, roughly.</param>
    public static (double Nanoseconds, double Allocated) Measure(Action<int> loop, TimeSpan budget)
    {
        // Short calls first, many of them: the runtime compiles a method for good only after it was called a number of times and
        // nothing new was compiled for a while. A loop that it replaces in the middle of one long call is a poorer one.
        var latest = After(s_longestWarmUp);
        var end = After(budget * 0.25);
        for (long compiled = 0; Stopwatch.GetTimestamp() < Math.Min(end, latest);)
        {
            loop(16);
            if (compiled == JitInfo.GetCompiledMethodCount())
                continue;
            compiled = JitInfo.GetCompiledMethodCount();
            end = Math.Max(end, After(s_quiet));
        }

        var times = 16;
        var round = budget / 2000; // well below a time slice, so that some rounds run undisturbed on a busy machine
        end = After(budget * 0.25);
        while (Stopwatch.GetTimestamp() < end)
        {
            if (Time(loop, times) < round)
                times *= 2;
        }

        var best = double.MaxValue;
        var allocated = double.MaxValue;
        end = After(budget * 0.5);
        while (Stopwatch.GetTimestamp() < end)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var time = Time(loop, times);
            allocated = Math.Min(allocated, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)times);
            best = Math.Min(best, time.TotalNanoseconds / times);
        }

        return (best, allocated);
    }

    private static long After(TimeSpan time) => Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);

    private static TimeSpan Time(Action<int> loop, int times)
    {
        var start = Stopwatch.GetTimestamp();
        loop(times);
        return Stopwatch.GetElapsedTime(start);
    }
}
