using System.Globalization;
using System.Runtime.ExceptionServices;

namespace Aperture.Hardware.Tests.Threads;

/// <summary>Runs work on several threads at once, a bounded number of rounds.</summary>
internal static class Together
{
    /// <summary>How many times as many rounds as usual: a long run by hand sets APERTURE_THREAD_ROUNDS to, say, 1000.</summary>
    public static int Factor { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("APERTURE_THREAD_ROUNDS"), CultureInfo.InvariantCulture, out var factor)
            ? Math.Max(factor, 1)
            : 1;

    /// <summary>Starts a thread for each piece of work and waits for all. The first exception of any is thrown again.</summary>
    public static void Run(params Action[] work)
    {
        Exception? failure = null;
        using var start = new Barrier(work.Length);
        var threads = work.Select(piece => new Thread(() =>
        {
            try
            {
                start.SignalAndWait();
                piece();
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref failure, e, null);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Lets others go on until something holds, or a number of turns is over; seldom gives the processor away, as that takes long
    /// where others want it.</summary>
    public static void WaitFor(Func<bool> holds, int turns)
    {
        for (var turn = 1; !holds() && turn <= turns; turn++)
        {
            Thread.SpinWait(50);
            if (turn % 32 == 0)
                Thread.Yield();
        }
    }
}
