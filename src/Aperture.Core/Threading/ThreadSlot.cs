namespace Aperture.Core.Threading;

/// <summary>Spreads threads over what there is one of for each core. A thread keeps its slot wherever it runs, until it meets another
/// there: a single thread thus meets the same things in every run, which the number of its core would not give it.</summary>
public static class ThreadSlot
{
    private static int s_last;

    /// <summary>How many things to make: a power of two, at least one a core.</summary>
    public static int Count { get; } = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Environment.ProcessorCount);

    /// <summary>The one for the calling thread, less than <see cref="Count"/>.</summary>
    public static int Current => Of(ThreadRecord.Current);

    /// <summary>The one for a thread.</summary>
    /// <param name="thread">The calling thread's record.</param>
    public static int Of(ThreadRecord thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        return thread.Slot >= 0 ? thread.Slot : Move(thread);
    }

    /// <summary>Gives a thread the next slot, because another thread uses its own.</summary>
    /// <param name="thread">The calling thread's record.</param>
    public static int Move(ThreadRecord thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        return thread.Slot = Interlocked.Increment(ref s_last) & (Count - 1);
    }
}
