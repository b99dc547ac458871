using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>Compare-and-swap for words that nearly always the same thread changes: this thread, their owner, does it by plain loads and
/// stores. For all others, and for those who only read, it looks like any compare-and-swap.</summary>
/// <remarks>
/// <para>Another thread that comes for a step of its own takes the bias from the owner, at the price of a memory barrier in every thread of
/// the process, waits for the few instructions of a step that may be under way, and does its own. When that happens more often than it is
/// worth (<see cref="BiasCredit"/>) the words belong to everybody, and each step is an interlocked one from then on.</para>
/// <para>All steps on the words have to go through the same object.</para>
/// <para>Why it holds: the owner says that it is inside and then looks whether it still is the owner. Who takes the bias away says so and
/// then, after the process-wide barrier, looks whether the owner is inside. Of both one at least sees the other.</para>
/// </remarks>
public sealed unsafe class BiasedWords
{
    private readonly Lock _asking = new();      // held by who takes the bias away, until it has done its step
    private BiasOwner _owner = BiasOwner.Nobody;
    private BiasCredit _credit;

    /// <summary>Whether each step is an interlocked one by now.</summary>
    public bool IsShared => _owner == BiasOwner.Everybody;

    /// <summary>Changes a word if it is what it is expected to be: one atomic step.</summary>
    /// <param name="word">The word.</param>
    /// <param name="from">What it must be.</param>
    /// <param name="to">What it becomes.</param>
    /// <returns>False when it was something else; nothing was done then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryStep(ref ulong word, ulong from, ulong to)
    {
        byte here;
        var owner = _owner;
        if (!owner.IsSurely(&here))
            return TryStepSlowly(ref word, from, to);
        owner.Enter();
        if (Volatile.Read(ref _owner) != owner || Volatile.Read(ref word) != from)
        {
            owner.Leave();
            return TryStepSlowly(ref word, from, to);
        }

        Volatile.Write(ref word, to);
        owner.Leave();
        return true;
    }

    /// <summary>The same in every case.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryStepSlowly(ref ulong word, ulong from, ulong to)
    {
        byte here;
        var owner = Volatile.Read(ref _owner);
        if (owner == BiasOwner.Everybody)
            return Interlocked.CompareExchange(ref word, to, from) == from;
        if (owner.Is(&here))
        {
            owner.Enter();
            var isStill = Volatile.Read(ref _owner) == owner;
            var isDone = isStill && TryStore(ref word, from, to);
            owner.Leave();
            if (isStill)
                return isDone;
        }

        return TryStepAsGuest(ref word, from, to);
    }

    private bool TryStepAsGuest(ref ulong word, ulong from, ulong to)
    {
        lock (_asking)
        {
            var owner = _owner;
            if (owner == BiasOwner.Everybody)
                return Interlocked.CompareExchange(ref word, to, from) == from;
            if (owner != BiasOwner.Nobody)
            {
                Volatile.Write(ref _owner, BiasOwner.Nobody);
                Interlocked.MemoryBarrierProcessWide();
                var wait = default(SpinWait);
                while (owner.IsInside)
                    wait.SpinOnce(-1);
            }

            // Nobody else is inside, and whoever comes waits for the lock.
            var isDone = TryStore(ref word, from, to);
            Volatile.Write(ref _owner, _credit.Next(owner, ThreadRecord.Current));
            return isDone;
        }
    }

    private static bool TryStore(ref ulong word, ulong from, ulong to)
    {
        if (Volatile.Read(ref word) != from)
            return false;
        Volatile.Write(ref word, to);
        return true;
    }
}
