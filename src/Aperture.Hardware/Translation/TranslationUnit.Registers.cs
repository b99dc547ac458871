using System.Diagnostics;
using System.Runtime.CompilerServices;
using Aperture.Core.Threading;

namespace Aperture.Hardware.Translation;

/// <content>The CPU's side: one lock for all registers, and what a register access waits for.</content>
public abstract partial class TranslationUnit
{
    private readonly GatedLock _guard = new(LockRank.Unit);
    private Ending _ending;          // what the register access that holds the lock has to do when it has let it go
    private ThreadRecord? _stalledBy; // the thread that made the unit stall accesses

    /// <summary>The lock of the unit: its registers, its caches, its walks.</summary>
    protected internal GatedLock Guard => _guard;

    /// <summary>Hits that were served without the lock.</summary>
    protected ulong QuickHits => _epoch.Counted;

    /// <inheritdoc/>
    public sealed override unsafe bool TryRead(uint offset, int width, out ulong value)
    {
        byte here;
        _guard.EnterBesideGate(&here);
        bool answers;
        try
        {
            answers = TryReadRegister(offset, width, out value);
        }
        catch
        {
            Leave();
            throw;
        }

        Leave();
        return answers;
    }

    /// <inheritdoc/>
    public sealed override unsafe bool TryWrite(uint offset, int width, ulong value)
    {
        byte here;
        _guard.EnterBesideGate(&here);
        bool answers;
        try
        {
            answers = TryWriteRegister(offset, width, value);
        }
        catch
        {
            Leave();
            throw;
        }

        Leave();
        return answers;
    }

    /// <summary>Takes the unit for several register accesses in a row (<see cref="TryReadHeld"/>, <see cref="TryWriteHeld"/>):
    /// all others wait until <see cref="EndRegisters"/>.</summary>
    /// <exception cref="LockRecursionException">The calling thread holds it already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    [SkipLocalsInit]
    public unsafe void BeginRegisters()
    {
        byte here;
        _guard.EnterBesideGate(&here);
    }

    /// <summary>Lets go what <see cref="BeginRegisters"/> took. What the accesses raised is told, and what they must wait for is waited
    /// for, before it returns.</summary>
    /// <exception cref="SynchronizationLockException">The calling thread does not hold the unit.</exception>
    public void EndRegisters() => Leave();

    /// <summary>Reads a register while the calling thread holds the unit.</summary>
    /// <inheritdoc cref="Bus.IMmioDevice.TryRead"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadHeld(uint offset, int width, out ulong value)
    {
        Debug.Assert(_guard.IsHeld, "a register is read in a sequence that was not begun");
        return TryReadRegister(offset, width, out value);
    }

    /// <summary>Writes a register while the calling thread holds the unit.</summary>
    /// <inheritdoc cref="Bus.IMmioDevice.TryWrite"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryWriteHeld(uint offset, int width, ulong value)
    {
        Debug.Assert(_guard.IsHeld, "a register is written in a sequence that was not begun");
        return TryWriteRegister(offset, width, value);
    }

    /// <summary>Reads a register; under the lock.</summary>
    /// <inheritdoc cref="Bus.IMmioDevice.TryRead"/>
    protected abstract bool TryReadRegister(uint offset, int width, out ulong value);

    /// <summary>Writes a register; under the lock.</summary>
    /// <inheritdoc cref="Bus.IMmioDevice.TryWrite"/>
    protected abstract bool TryWriteRegister(uint offset, int width, ulong value);

    /// <summary>Sets every register to its reset value, empties caches, ends whatever goes on and drops the interrupt lines; under the
    /// lock.</summary>
    protected abstract void ResetRegisters();

    /// <inheritdoc/>
    protected sealed override void Reset()
    {
        using (HoldRegisters())
        {
            ResetRegisters();
            EndAccesses();
        }
    }

    /// <summary>Takes the lock of the unit for a register access, or for what changes its state from outside. What it raises is told, and
    /// what it must wait for is waited for, when the result is disposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected internal RegisterScope HoldRegisters() => new(this);

    /// <summary>Says that the register access that is going on removes translations or leads accesses elsewhere: it returns when every
    /// access of another thread that began before has ended.</summary>
    protected internal void EndAccesses() => _ending |= Ending.WaitForAccesses;

    /// <summary>Says that the register access that is going on had devices drop translations of their own: it returns when
    /// <see cref="WaitForDevices"/> has.</summary>
    private protected void EndDeviceAccesses() => _ending |= Ending.WaitForDevices;

    /// <summary>Returns when no access by a translation that a device dropped is going on. No lock is held.</summary>
    private protected virtual void WaitForDevices()
    {
    }

    /// <summary>Returns when every access of another thread that began before has ended. Never call it within an access.</summary>
    internal void WaitForAccesses() => _epoch.WaitForReaders();

    /// <summary>An interrupt line of the unit is about to change. A register access leaves the gate of its thread open until then: nearly
    /// none changes a line.</summary>
    private protected void CloseGate()
    {
        if (_guard.Holder is not null && EventGate.TryClose(ThreadRecord.Current))
            _ending |= Ending.OpenGate;
    }

    /// <summary>Says that accesses are stalled from now on because of what the calling thread does, or no longer.</summary>
    /// <param name="isStalled">Whether they are.</param>
    protected internal void NoteStall(bool isStalled)
    {
        if (!isStalled)
            _stalledBy = null;
        else
            _stalledBy ??= _guard.Holder;
    }

    private bool IsStalledByAnother(ThreadRecord thread) => Volatile.Read(ref _stalledBy) is { } by && by != thread;

    /// <summary>Ends a register access: lets the lock go, waits for accesses if it must, and lets interrupts happen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Leave()
    {
        var ending = _ending;
        if (ending != Ending.Nothing)
            _ending = Ending.Nothing;
        _guard.ExitBesideGate();
        if (ending != Ending.Nothing && (ending != Ending.WaitForAccesses || _epoch.HasReaders))
            End(ending);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void End(Ending ending)
    {
        if ((ending & Ending.WaitForAccesses) != 0)
            _epoch.WaitForReaders();
        if ((ending & Ending.WaitForDevices) != 0)
            WaitForDevices();
        if ((ending & Ending.OpenGate) != 0)
            EventGate.Open(ThreadRecord.Current);
    }

    /// <summary>What a register access does when it has let the lock go.</summary>
    [Flags]
    private enum Ending
    {
        /// <summary>No more.</summary>
        Nothing = 0,

        /// <summary>Waits for accesses of other threads.</summary>
        WaitForAccesses = 1,

        /// <summary>Opens the gate of its thread.</summary>
        OpenGate = 2,

        /// <summary>Waits for accesses of devices with translations of their own.</summary>
        WaitForDevices = 4,
    }

    /// <summary>A register access that is going on.</summary>
    protected internal readonly unsafe ref struct RegisterScope
    {
        private readonly TranslationUnit _unit;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        [SkipLocalsInit]
        internal RegisterScope(TranslationUnit unit)
        {
            byte here;
            _unit = unit;
            unit._guard.EnterBesideGate(&here);
        }

        /// <summary>Ends it: lets the lock go, waits for accesses if it must, and lets interrupts happen.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _unit.Leave();
    }
}
