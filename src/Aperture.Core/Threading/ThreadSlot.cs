namespace Aperture.Core.Threading;

/// <summary>Spreads threads over what there is one of for each core. A thread keeps its slot wherever it runs, until it meets another there: a single thread thus meets the same
/// things in every run, which the number of its core would not give it.</summary>
public static class ThreadSlot
{
    private static int s_last;

    [ThreadStatic]
    private static int t_next; // one more than the slot; zero: none yet

    /// <summary>How many things to make: a power of two, at least one a core.</summary>
    public static int Count { get; } = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount);

    /// <summary>The one for the calling thread, less than <see cref="Count"/>.</summary>
    public static int Current => t_next != 0 ? t_next - 1 : Move();

    /// <summary>The same; -1 when the thread has none yet.</summary>
    public static int Known => t_next - 1;

    /// <summary>Gives the calling thread the next slot, because another thread uses its own.</summary>
    public static int Move()
    {
        t_next = (Interlocked.Increment(ref s_last) & (Count - 1)) + 1;
        return t_next - 1;
    }
}
