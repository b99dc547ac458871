namespace Aperture.Dma.Sanitizer;

/// <summary>Numbers calls: on one thread one after the other; of two threads, which agree every so often, roughly in order. No call
/// touches what other threads touch.</summary>
internal static class CallClock
{
    private const int Lease = 64; // calls between two agreements

    private static long s_latest; // number that some thread came to

    [ThreadStatic]
    private static long t_now;    // number of this thread's last call

    [ThreadStatic]
    private static int t_left;    // calls until it agrees with the others

    /// <summary>The number of the thread's last call.</summary>
    public static long Now => t_now;

    /// <summary>A call begins.</summary>
    public static void Tick()
    {
        if (--t_left < 0)
            Sync();
        t_now++;
    }

    /// <summary>Agrees with the other threads.</summary>
    /// <returns>The latest number.</returns>
    public static long Sync()
    {
        t_left = Lease;
        long seen;
        while ((seen = Volatile.Read(ref s_latest)) < t_now && Interlocked.CompareExchange(ref s_latest, t_now, seen) != seen)
        {
        }

        return t_now = Math.Max(t_now, seen);
    }
}
