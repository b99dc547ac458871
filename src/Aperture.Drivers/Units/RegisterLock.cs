using System.Runtime.CompilerServices;

namespace Aperture.Drivers.Units;

/// <summary>Keeps threads apart that program one unit. It may be taken again by the thread that holds it: an interrupt that a register access raises on a
/// simulated board is handled before the access returns.</summary>
/// <remarks>Sequences of register accesses are short, and each invalidation takes the lock: here one atomic instruction takes it, and a plain store lets it
/// go. Who has to wait looks again and again, and gives the processor away meanwhile.</remarks>
public sealed class RegisterLock
{
    private int _owner; // the thread that holds the lock, 0 for none
    private int _again; // how many times more than once it does; only for that thread

    /// <summary>Takes the lock until the result is disposed, on the same thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Hold()
    {
        var thread = Environment.CurrentManagedThreadId;
        if (Interlocked.CompareExchange(ref _owner, thread, 0) != 0)
            Wait(thread);
        return new Scope(this);
    }

    private void Wait(int thread)
    {
        if (Volatile.Read(ref _owner) == thread)
        {
            _again++;
            return;
        }

        var wait = default(SpinWait);
        do
            wait.SpinOnce();
        while (Volatile.Read(ref _owner) != 0 || Interlocked.CompareExchange(ref _owner, thread, 0) != 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LetGo()
    {
        if (_again == 0)
            Volatile.Write(ref _owner, 0);
        else
            _again--;
    }

    /// <summary>As long as it lives, the lock is held.</summary>
    public readonly ref struct Scope
    {
        private readonly RegisterLock _held;

        internal Scope(RegisterLock held) => _held = held;

        /// <summary>Lets the lock go.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _held.LetGo();
    }
}
