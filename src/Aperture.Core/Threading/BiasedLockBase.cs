using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>What a lock is that belongs to the thread which takes it again and again. In one object with what is built upon it, so that
/// taking it follows no further reference.</summary>
/// <remarks>
/// <para>Not recursive. Who waits spins and gives the processor away: meant for short sequences.</para>
/// <para>Why it holds: the owner says that it is inside and then looks whether it still is the owner. Who takes the bias away says so and
/// then, after the process-wide barrier, looks whether the owner is inside. The barrier stands for the fence between the owner's two steps,
/// so that at least one of both sees the other.</para>
/// </remarks>
public abstract unsafe class BiasedLockBase : LineApart
{
    /// <summary>How many guests more than were worth while there are before the lock is nobody's for good.</summary>
    public const int MaxMoves = BiasCredit.Most;

    private BiasOwner _owner = BiasOwner.Nobody; // who enters without an interlocked step; written only by who has _taken
    private BiasOwner _asked = BiasOwner.Nobody; // whose bias was taken away by who has _taken
    private BiasCredit _credit;
    private int _taken;                          // 1 while a guest holds the lock, or is about to
    private ThreadRecord? _holder;               // who holds it by _taken

    /// <summary>Whether the calling thread holds the lock.</summary>
    public bool IsHeld => IsHeldBy(ThreadRecord.Current);

    /// <summary>Whether the lock is nobody's for good, and taken by an interlocked step each time.</summary>
    public bool IsShared => Volatile.Read(ref _owner) == BiasOwner.Everybody;

    /// <summary>The thread that holds the lock; only while one does.</summary>
    public ThreadRecord? Holder
    {
        get
        {
            var owner = Volatile.Read(ref _owner);
            if (owner.IsInside)
                return owner.Thread;
            return Volatile.Read(ref _holder) ?? (_asked.IsInside ? _asked.Thread : null);
        }
    }

    /// <summary>Takes the lock.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void EnterCore(ThreadRecord thread)
    {
        if (!TryEnterOwned(thread))
            EnterSlowly(thread);
    }

    /// <summary>Takes the lock; quicker where the calling thread's record is not at hand. <see cref="IsHeld"/> may not know of
    /// it.</summary>
    /// <param name="local">Something on the caller's stack, by which an owner knows itself.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnterBy(void* local)
    {
        if (!TryEnterBy(local))
            EnterSlowlyBy(local);
    }

    /// <summary>Takes the lock if the calling thread is surely its owner.</summary>
    /// <param name="local">As for <see cref="EnterBy"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryEnterBy(void* local)
    {
        var owner = _owner;
        return owner.IsSurely(local) && TryEnterOwned(owner);
    }

    /// <summary>Takes the lock if the calling thread is surely its owner.</summary>
    /// <param name="local">As for <see cref="EnterBy"/>.</param>
    /// <returns>The owner, or null where the lock was not taken.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected ThreadRecord? TryEnterSurely(void* local)
    {
        var owner = _owner;
        if (!owner.IsSurely(local) || owner.IsInside)
            return null;
        owner.Enter();
        if (Volatile.Read(ref _owner) == owner)
            return owner.Thread;
        owner.Leave();
        return null;
    }

    /// <summary>Takes the lock unless another thread holds it.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected bool TryEnterCore(ThreadRecord thread) => TryEnterOwned(thread) || TryEnterSlowly(thread);

    /// <summary>Lets the lock go.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread does not hold it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void ExitCore()
    {
        // While a guest holds the lock nobody is its owner, and nobody is never inside.
        var owner = _owner;
        if (owner.IsInside)
            owner.Leave();
        else
            ExitSlowly();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterOwned(ThreadRecord thread)
    {
        var owner = _owner;
        return owner.Thread == thread && TryEnterOwned(owner);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterOwned(BiasOwner owner)
    {
        if (owner.IsInside)
            return false; // taken again by its holder: the slow way says so
        owner.Enter();
        if (Volatile.Read(ref _owner) == owner)
            return true;
        owner.Leave();
        return false;
    }

    private bool IsHeldBy(ThreadRecord thread) => Volatile.Read(ref _holder) == thread || IsInside(Volatile.Read(ref _owner),
        thread) || IsInside(_asked, thread);

    private static bool IsInside(BiasOwner owner, ThreadRecord thread) => owner.Thread == thread && owner.IsInside;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterSlowlyBy(void* local)
    {
        var owner = Volatile.Read(ref _owner);
        if (!owner.Is(local) || !TryEnterOwned(owner))
            EnterSlowly(ThreadRecord.Current);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EnterSlowly(ThreadRecord thread)
    {
        ThrowIfHeld(thread);
        var wait = default(SpinWait);
        while (Interlocked.CompareExchange(ref _taken, 1, 0) != 0)
        {
            do
                wait.SpinOnce();
            while (Volatile.Read(ref _taken) != 0);
        }

        var owner = Ask();
        while (owner.IsInside)
            wait.SpinOnce();
        Volatile.Write(ref _holder, thread);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryEnterSlowly(ThreadRecord thread)
    {
        ThrowIfHeld(thread);
        if (Volatile.Read(ref _owner).IsInside || Interlocked.CompareExchange(ref _taken, 1, 0) != 0)
            return false;
        var owner = Ask();
        if (owner.IsInside)
        {
            Volatile.Write(ref _owner, owner);
            Volatile.Write(ref _taken, 0);
            return false;
        }

        Volatile.Write(ref _holder, thread);
        return true;
    }

    /// <summary>Takes the bias from its owner, which may still be inside. Called with <c>_taken</c>.</summary>
    private BiasOwner Ask()
    {
        var owner = _owner;
        Volatile.Write(ref _asked, owner); // first: the owner lets go what it holds there
        if (owner.Thread is null)
            return owner;
        Volatile.Write(ref _owner, BiasOwner.Nobody);
        Interlocked.MemoryBarrierProcessWide();
        return owner;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ExitSlowly()
    {
        var thread = ThreadRecord.Current;
        if (_holder == thread)
        {
            Volatile.Write(ref _holder, null);
            if (_owner != BiasOwner.Everybody)
                Volatile.Write(ref _owner, _credit.Next(_asked, thread));
            Volatile.Write(ref _taken, 0);
            return;
        }

        // A guest waits for what this thread holds by its bias.
        var asked = Volatile.Read(ref _asked);
        if (!asked.IsInside)
            throw new SynchronizationLockException("a lock is let go that the thread does not hold");
        asked.Leave();
    }

    private void ThrowIfHeld(ThreadRecord thread)
    {
        if (IsHeldBy(thread))
            throw new LockRecursionException("a thread takes a lock that it holds already");
    }
}
