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
    private bool _isClosed;
    private bool _hasKept;                            // whether there is any
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

    /// <summary>A number that counts up with what the thread does, for who numbers calls of several threads: where the record is at hand
    /// that is quicker than a variable of the thread's own.</summary>
    public long Clock { get; set; }

    /// <summary>See <see cref="ThreadSlot"/>; -1 while the thread has none yet.</summary>
    internal int Slot { get; set; } = -1;

    /// <summary>Whether events wait: the thread holds a gated lock, or keeps its gate closed otherwise.</summary>
    internal bool IsClosed
    {
        get => Volatile.Read(ref _isClosed); // others look, too
        private set => _isClosed = value;
    }

    internal void Keep(IGateEvent gateEvent)
    {
        _kept.Enqueue(gateEvent);
        _hasKept = true;
    }

    internal bool TryTake([MaybeNullWhen(false)] out IGateEvent gateEvent)
    {
        var isTaken = _kept.TryDequeue(out gateEvent);
        _hasKept = _kept.Count > 0;
        return isTaken;
    }

    /// <summary>Closes the gate. Not a count, which each step would have to wait for the one before to add to: who closed it opens it, so
    /// that what lies within need not know.</summary>
    /// <returns>False when it is closed already.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryClose()
    {
        if (IsClosed)
            return false;
        IsClosed = true;
        return true;
    }

    /// <summary>Opens the gate, and lets happen what was kept.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Open()
    {
        IsClosed = false;
        if (_hasKept)
            EventGate.Deliver(this);
    }

    /// <summary>Refuses a lock that is out of order, in Debug.</summary>
    /// <exception cref="InvalidOperationException">The thread holds one of the same or a higher rank.</exception>
    [Conditional("DEBUG")]
    internal void CheckRank(LockRank rank)
    {
        if (_ranks >> (int)rank != 0)
        {
            throw new InvalidOperationException(
                $"a lock of rank {rank} is taken under one of the same or a higher rank: locks are taken in rising rank only");
        }
    }

    /// <summary>Notes a lock that was taken, in Debug.</summary>
    [Conditional("DEBUG")]
    internal void NoteRank(LockRank rank) => _ranks |= 1ul << (int)rank;

    /// <summary>Notes a lock that is let go, in Debug.</summary>
    /// <exception cref="InvalidOperationException">One that was taken later is still held.</exception>
    [Conditional("DEBUG")]
    internal void ForgetRank(LockRank rank)
    {
        _ranks &= ~(1ul << (int)rank);
        if (_ranks >> (int)rank != 0)
        {
            throw new InvalidOperationException(
                $"a lock of rank {rank} is let go before one of a higher rank: who was taken last goes first");
        }
    }
}
