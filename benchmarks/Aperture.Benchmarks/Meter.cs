using System.Diagnostics;
using System.Runtime;

namespace Aperture.Benchmarks;

/// <summary>Times a loop: warm-up until compiled and steady, then the fastest of many short rounds, because a shared machine only
/// ever adds time.</summary>
internal static class Meter
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(250); // nothing was compiled for so long: all is compiled for good
    // well below a time slice: some run undisturbed on a busy machine
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(0.5);
    private static readonly TimeSpan s_longestWarmUp = TimeSpan.FromSeconds(10);

    /// <summary>Nanoseconds and bytes allocated per call.</summary>
    /// <param name="loop">Does the work so many times.</param>
    /// <param name="budget">How long the rounds may take.</param>
    public static (double Nanoseconds, double Allocated) Measure(Action<int> loop, TimeSpan budget)
    {
        // Short calls first, many of them: the runtime compiles a method for good only after it was called a number of times and
        // nothing new was compiled for a while. A loop that it replaces in the middle of one long call is a poorer one. Processor
        // time counts: on a busy machine the runtime's own thread has to wait, too.
        var latest = After(s_longestWarmUp);
        var compiled = 0L;
        for (var end = TimeSpan.Zero; Environment.CpuUsage.TotalTime < end || compiled != JitInfo.GetCompiledMethodCount();)
        {
            if (compiled != JitInfo.GetCompiledMethodCount())
                end = Environment.CpuUsage.TotalTime + s_quiet;
            compiled = JitInfo.GetCompiledMethodCount();
            for (var i = 0; i < 16; i++)
                loop(16);
            if (Stopwatch.GetTimestamp() > latest)
                break;
        }

        var times = 16;
        while (Fastest(loop, times) < s_round)
            times *= 2;

        var best = double.MaxValue;
        var allocated = double.MaxValue;
        for (var end = After(budget); Stopwatch.GetTimestamp() < end;)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var time = Time(loop, times);
            allocated = Math.Min(allocated, (GC.GetAllocatedBytesForCurrentThread() - before) / (double)times);
            best = Math.Min(best, time.TotalNanoseconds / times);
            if (compiled == JitInfo.GetCompiledMethodCount() || Stopwatch.GetTimestamp() > latest)
                continue;
            compiled = JitInfo.GetCompiledMethodCount(); // it was not for good
            end = After(budget);
        }

        return (best, allocated);
    }

    private static long After(TimeSpan time) => Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Of three times: one that was interrupted says nothing.</summary>
    private static TimeSpan Fastest(Action<int> loop, int times) => new[] { Time(loop, times), Time(loop, times), Time(loop, times) }.Min();

    private static TimeSpan Time(Action<int> loop, int times)
    {
        var start = Stopwatch.GetTimestamp();
        loop(times);
        return Stopwatch.GetElapsedTime(start);
    }
}
