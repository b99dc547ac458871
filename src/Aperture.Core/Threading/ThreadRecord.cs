using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>One for each thread that takes part: a small number of its own, and the events that wait until it holds no lock.</summary>
public sealed class ThreadRecord
{
    private static readonly ConcurrentBag<int> s_free = []; // indexes of threads that ended
    private static int s_next;

    [ThreadStatic]
    private static ThreadRecord? t_current;

    private readonly Queue<IGateEvent> _kept = new(); // what happens when Held is zero again
    private ulong _ranks;                             // ranks held, one bit each; kept in Debug only

    private ThreadRecord() => Index = s_free.TryTake(out var index) ? index : Interlocked.Increment(ref s_next) - 1;

    /// <summary>Gives the index back: the thread has ended, and nothing that it owned refers to it any more.</summary>
    ~ThreadRecord() => s_free.Add(Index);

    /// <summary>The calling thread's.</summary>
    public static ThreadRecord Current
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => t_current ?? (t_current = new ThreadRecord());
    }

    /// <summary>A number that no other live thread has, as low as can be; the number of a thread that ended is used again.</summary>
    public int Index { get; }

    /// <summary>See <see cref="ThreadSlot"/>; -1 while the thread has none yet.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>How many gated locks the thread holds.</summary>
    internal int Held { get; private set; }

    /// <summary>Whether events wait.</summary>
    internal bool HasKept => _kept.Count > 0;

    internal void Keep(IGateEvent gateEvent) => _kept.Enqueue(gateEvent);

    internal bool TryTake([MaybeNullWhen(false)] out IGateEvent gateEvent) => _kept.TryDequeue(out gateEvent);

    /// <summary>Notes that the thread is about to take a gated lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Enter(LockRank rank)
    {
        NoteRank(rank);
        Held++;
    }

    /// <summary>Notes that it let one go; the last one opens the gate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Leave(LockRank rank)
    {
        ForgetRank(rank);
        if (--Held == 0 && _kept.Count > 0)
            EventGate.Deliver(this);
    }

    /// <summary>Refuses a lock that is out of order, in Debug.</summary>
    /// <exception cref="InvalidOperationException">The thread holds one of the same or a higher rank.</exception>
    [Conditional("DEBUG")]
    internal void CheckRank(LockRank rank)
    {
        if (_ranks >> (int)rank != 0)
            throw new InvalidOperationException($"a lock of rank {rank} is taken under one of the same or a higher rank: locks are taken in rising rank only");
    }

    [Conditional("DEBUG")]
    private void NoteRank(LockRank rank) => _ranks |= 1ul << (int)rank;

    [Conditional("DEBUG")]
    private void ForgetRank(LockRank rank) => _ranks &= ~(1ul << (int)rank);
}
