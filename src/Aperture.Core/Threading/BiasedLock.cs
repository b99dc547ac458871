using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>A lock that belongs to the thread which takes it again and again: that thread enters by plain stores, without an interlocked
/// step. Another thread first takes it from its owner, at the price of a memory barrier in every thread of the process. An owner that came
/// in often enough since then to be worth that price stays the owner, and does not even notice the guest; else the guest is the owner from
/// then on. After <see cref="BiasedLockBase.MaxMoves"/> guests that were not worth while the lock belongs to nobody, and is taken by one
/// compare-and-swap each time.</summary>
/// <remarks>Not recursive. Who waits spins and gives the processor away: meant for short sequences.</remarks>
public sealed class BiasedLock : BiasedLockBase
{
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
    public void Enter(ThreadRecord thread) => EnterCore(thread);

    /// <summary>Takes the lock unless another thread holds it.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter(ThreadRecord thread) => TryEnterCore(thread);

    /// <summary>Takes the lock if the calling thread is surely its owner and outside: the quickest way in, for who has another one for the
    /// rest. <see cref="BiasedLockBase.IsHeld"/> may not know of it.</summary>
    /// <param name="local">Something on the caller's stack, by which the owner is known.</param>
    /// <returns>The calling thread's record, or null where the lock was not taken.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe ThreadRecord? TryEnterOwned(void* local) => TryEnterSurely(local);

    /// <summary>Takes the lock, and remembers where the owner was seen, so that <see cref="TryEnterOwned"/> knows it the next
    /// time.</summary>
    /// <param name="local">As there.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    public unsafe void EnterSeen(void* local) => EnterBy(local);

    /// <summary>Lets the lock go.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread does not hold it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => ExitCore();

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
