using Aperture.Core.Threading;

namespace Aperture.Dma.Sanitizer;

/// <summary>Numbers calls: on one thread one after the other; of two threads, which agree every so often, roughly in order. No call
/// touches what other threads touch.</summary>
internal static class CallClock
{
    private const long Lease = 64; // calls between two agreements

    private static long s_latest; // number that some thread came to

    /// <summary>The number of the thread's last call.</summary>
    public static long Now => ThreadRecord.Current.Clock;

    /// <summary>A call begins.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <returns>Its number.</returns>
    public static long Tick(ThreadRecord thread)
    {
        if ((thread.Clock & (Lease - 1)) == 0)
            Sync(thread);
        return ++thread.Clock;
    }

    /// <summary>Agrees with the other threads.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <returns>The latest number.</returns>
    public static long Sync(ThreadRecord thread)
    {
        var now = thread.Clock;
        long seen;
        while ((seen = Volatile.Read(ref s_latest)) < now && Interlocked.CompareExchange(ref s_latest, now, seen) != seen)
        {
        }

        return thread.Clock = Math.Max(now, seen);
    }
}
