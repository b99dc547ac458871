using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>A lock under which no interrupt and no timer runs on the thread that holds it: what it causes meanwhile happens when it has let
/// its outermost gated lock go (<see cref="EventGate"/>). Its owner takes it without an interlocked step
/// (<see cref="BiasedLock"/>).</summary>
/// <remarks>Not recursive. A thread takes gated locks in rising rank only and lets the last one go first; Debug builds assert it. Locks
/// under which drivers are called (of groups, of the driver core, of runtime power) are no gated ones and are taken before: interrupts and
/// timers may run under them, as in a kernel under a mutex, and so must not take them.</remarks>
public sealed unsafe class GatedLock : BiasedLockBase
{
    private bool _closesGate; // whether it was this lock that closed the gate of its holder

    /// <summary>A lock that nobody holds.</summary>
    /// <param name="rank">Its place in the order of locks.</param>
    public GatedLock(LockRank rank) => Rank = rank;

    /// <summary>Its place in the order of locks.</summary>
    public LockRank Rank { get; }

    /// <summary>Takes the lock until the result is disposed, on the same thread.</summary>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Hold()
    {
        var thread = ThreadRecord.Current;
        Enter(thread);
        return new Scope(this, thread);
    }

    /// <summary>Takes the lock; <see cref="Exit"/> lets it go.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter(ThreadRecord thread)
    {
        CheckOrder(thread);
        EnterCore(thread);
        Close(thread);
    }

    /// <summary>Takes the lock unless another thread holds it.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter(ThreadRecord thread)
    {
        CheckOrder(thread);
        if (!TryEnterCore(thread))
            return false;
        Close(thread);
        return true;
    }

    /// <summary>Lets the lock go, and what was kept happen if it was the thread's last.</summary>
    /// <param name="thread">The calling thread's record.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit(ThreadRecord thread)
    {
        var opens = _closesGate;
        thread.ForgetRank(Rank);
        ExitCore();
        if (opens)
            thread.Open();
    }

    /// <summary>Takes the lock and leaves the gate as it is: quicker, for who closes the gate himself once something is about to happen.
    /// <see cref="ExitBesideGate"/> lets the lock go.</summary>
    /// <param name="local">Something on the caller's stack, by which the lock's owner is known sooner than by its record.</param>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EnterBesideGate(void* local)
    {
        CheckOrder();
        EnterBy(local);
        NoteRank();
    }

    /// <summary>Lets go what <see cref="EnterBesideGate"/> took.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ExitBesideGate()
    {
        ForgetRank();
        ExitCore();
    }

    [Conditional("DEBUG")]
    private void CheckOrder() => CheckOrder(ThreadRecord.Current);

    [Conditional("DEBUG")]
    private void NoteRank() => ThreadRecord.Current.NoteRank(Rank);

    [Conditional("DEBUG")]
    private void ForgetRank() => ThreadRecord.Current.ForgetRank(Rank);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Close(ThreadRecord thread)
    {
        thread.NoteRank(Rank);
        _closesGate = thread.TryClose();
    }

    /// <summary>A thread that waits for a lock out of order could wait for ever: it hears of it before it waits.</summary>
    [Conditional("DEBUG")]
    private void CheckOrder(ThreadRecord thread)
    {
        if (!IsHeld) // the lock itself says that
            thread.CheckRank(Rank);
    }

    /// <summary>As long as it lives, the lock is held.</summary>
    public readonly ref struct Scope
    {
        private readonly GatedLock _held;
        private readonly ThreadRecord _thread;

        internal Scope(GatedLock held, ThreadRecord thread)
        {
            _held = held;
            _thread = thread;
        }

        /// <summary>Lets the lock go, and what was kept happen if it was the thread's last.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _held.Exit(_thread);
    }
}
