using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>A lock that belongs to the thread which takes it again and again: that thread enters by plain stores, without an interlocked step. Another thread
/// first takes it from its owner, at the price of a memory barrier in every thread of the process; after <see cref="MaxMoves"/> such moves it belongs to
/// nobody and is taken by one compare-and-swap each time.</summary>
/// <remarks>
/// <para>Not recursive. Who waits spins and gives the processor away: meant for short sequences.</para>
/// <para>Why it holds: the owner writes <c>_inside</c> and then looks whether it still is the owner. Who takes the bias away writes the owner and then, after the
/// process-wide barrier, looks at <c>_inside</c>. The barrier stands for the fence between the owner's two steps, so that at least one of both sees the other.</para>
/// </remarks>
public sealed class BiasedLock
{
    /// <summary>How often the lock goes from one owner to another before it is nobody's for good.</summary>
    public const int MaxMoves = 8;

    private ThreadRecord? _owner;  // who enters without an interlocked step; written only by who has _taken
    private int _inside;           // 1 while the owner holds the lock by its bias; written only by the owner
    private int _taken;            // 1 while another holds the lock, or is about to
    private ThreadRecord? _holder; // who holds it by _taken
    private int _moves;            // how often the bias was taken away

    /// <summary>Whether the calling thread holds the lock.</summary>
    public bool IsHeld => IsHeldBy(ThreadRecord.Current);

    /// <summary>Takes the lock until the result is disposed, on the same thread.</summary>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Hold()
    {
        Enter(ThreadRecord.Current);
        return new Scope(this);
    }

    /// <summary>Takes the lock.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter(ThreadRecord thread)
    {
        if (_owner != thread || !TryEnterOwned(thread))
            EnterSlowly(thread);
    }

    /// <summary>Takes the lock unless another thread holds it.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter(ThreadRecord thread) => (_owner == thread && TryEnterOwned(thread)) || TryEnterSlowly(thread);

    /// <summary>Lets the lock go.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit()
    {
        if (_inside != 0)
            Volatile.Write(ref _inside, 0);
        else
            ExitTaken();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterOwned(ThreadRecord thread)
    {
        if (_inside != 0)
            return false; // taken again by its holder: the slow way says so
        Volatile.Write(ref _inside, 1);
        if (Volatile.Read(ref _owner) == thread)
            return true;
        Volatile.Write(ref _inside, 0);
        return false;
    }

    private bool IsHeldBy(ThreadRecord thread) => Volatile.Read(ref _holder) == thread || (Volatile.Read(ref _owner) == thread && _inside != 0);

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

        if (Volatile.Read(ref _owner) is not null)
            TakeBias();
        Volatile.Write(ref _holder, thread);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryEnterSlowly(ThreadRecord thread)
    {
        ThrowIfHeld(thread);
        if (Interlocked.CompareExchange(ref _taken, 1, 0) != 0)
            return false;
        if (Volatile.Read(ref _owner) is not null)
            TakeBias();
        Volatile.Write(ref _holder, thread);
        return true;
    }

    /// <summary>Takes the bias from its owner, and waits until the owner is outside. Called with <c>_taken</c>.</summary>
    private void TakeBias()
    {
        Volatile.Write(ref _owner, null);
        _moves++;
        Interlocked.MemoryBarrierProcessWide();
        var wait = default(SpinWait);
        while (Volatile.Read(ref _inside) != 0)
            wait.SpinOnce();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ExitTaken()
    {
        var thread = _holder ?? throw new SynchronizationLockException("a lock is let go that nobody holds");
        Volatile.Write(ref _holder, null);
        if (_moves < MaxMoves)
            Volatile.Write(ref _owner, thread);
        Volatile.Write(ref _taken, 0);
    }

    private void ThrowIfHeld(ThreadRecord thread)
    {
        if (IsHeldBy(thread))
            throw new LockRecursionException("a thread takes a lock that it holds already");
    }

    /// <summary>As long as it lives, the lock is held.</summary>
    public readonly ref struct Scope
    {
        private readonly BiasedLock _held;

        internal Scope(BiasedLock held) => _held = held;

        /// <summary>Lets the lock go.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _held.Exit();
    }
}
