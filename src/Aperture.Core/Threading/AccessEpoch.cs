using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Aperture.Core.Threading;

/// <summary>Lets an invalidation wait for the accesses that began before it. An access enters and leaves by plain stores into a place of
/// its thread's own; who waits pays: a memory barrier in every thread of the process, unless only the waiting thread itself makes accesses
/// here.</summary>
/// <remarks>
/// <para>Why it holds: an access says that it is inside and then looks at what may be invalidated. Who waits has changed that and then,
/// after the process-wide barrier, looks who is inside. Who was missed therefore sees the change.</para>
/// <para>Never wait while holding a lock that an access may take: let the lock go first, or let accesses take it outside of the
/// epoch.</para>
/// <para>A thread that made no access during <see cref="IdleWaits"/> waits is let go, so that an invalidation does not pay for threads
/// that went by once.</para>
/// </remarks>
public sealed class AccessEpoch
{
    /// <summary>Waits without an access after which a thread is not waited for any more until it comes again.</summary>
    public const int IdleWaits = 16;

    private const int Nobody = -1;
    private const int Several = -2;

    private readonly Lock _registering = new();
    private Slot?[] _slots = [];  // by thread index; replaced whole when it grows
    private int _only = Nobody;   // the index of the only thread that is waited for

    /// <summary>How many threads are waited for: those that made accesses lately.</summary>
    public int Threads => Volatile.Read(ref _slots).Count(slot => slot is { IsRetired: false });

    /// <summary>How many accesses ended, but for those that were left out (<see cref="Scope.Except"/>): what a count costs beside an epoch
    /// is nothing. Exact while nobody makes accesses.</summary>
    public ulong Counted
    {
        get
        {
            ulong sum = 0;
            foreach (var slot in Volatile.Read(ref _slots))
                sum += slot?.Counted ?? 0;
            return sum;
        }
    }

    /// <summary>Says that the calling thread begins an access.</summary>
    /// <exception cref="LockRecursionException">The thread is in the middle of one.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Enter() => Enter(ThreadRecord.Current);

    /// <summary>Says that the calling thread begins an access.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The thread is in the middle of one.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Enter(ThreadRecord thread) => TryEnter(thread, out var scope) ? scope : Register(thread);

    /// <summary>The same without a call, for who has another way for the rest.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <param name="scope">The access.</param>
    /// <returns>False, with nothing done, where <see cref="Enter(ThreadRecord)"/> has more to do: the thread is not known here yet, or is
    /// in the middle of an access.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter(ThreadRecord thread, out Scope scope)
    {
        var slots = Volatile.Read(ref _slots);
        var index = thread.Index;
        if ((uint)index < (uint)slots.Length && slots[index] is { } slot && slot.TryEnter())
        {
            scope = new Scope(slot);
            return true;
        }

        scope = default;
        return false;
    }

    /// <summary>Whether there is anybody to wait for.</summary>
    public bool HasReaders => Volatile.Read(ref _only) != Nobody;

    /// <summary>Whether several threads made accesses lately.</summary>
    public bool IsShared => Volatile.Read(ref _only) == Several;

    /// <summary>Returns when every access of another thread that began before has ended. Call it after the change that later accesses
    /// shall see, outside of an access: two threads that waited within theirs would wait for each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WaitForReaders()
    {
        var only = Volatile.Read(ref _only);
        if (only != Nobody && only != ThreadRecord.Current.Index)
            Wait(ThreadRecord.Current.Index);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wait(int own)
    {
        var slots = Volatile.Read(ref _slots);
        Debug.Assert((uint)own >= (uint)slots.Length || slots[own] is not { IsInside: true }, "an access waits for accesses");
        Interlocked.MemoryBarrierProcessWide();
        for (var i = 0; i < slots.Length; i++)
        {
            if (i != own && Volatile.Read(ref slots[i]) is { IsRetired: false } slot && slot.WaitIsIdle())
                Retire(slot);
        }
    }

    /// <summary>Gives the calling thread a slot and enters it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Scope Register(ThreadRecord thread)
    {
        while (true)
        {
            var slot = Publish(thread);
            if (slot.IsInside)
                throw new LockRecursionException("a thread begins an access within an access");
            if (slot.TryEnter())
                return new Scope(slot);
        }
    }

    private Slot Publish(ThreadRecord thread)
    {
        Slot slot;
        lock (_registering)
        {
            if (thread.Index >= _slots.Length)
            {
                var longer = new Slot?[Math.Max(thread.Index + 1, _slots.Length * 2)];
                _slots.CopyTo(longer, 0);
                Volatile.Write(ref _slots, longer);
            }

            slot = _slots[thread.Index] ?? new Slot();
            slot.Begin();
            Volatile.Write(ref _slots[thread.Index], slot);
            CountSlots();
        }

        // Whoever did not see the slot yet has its change seen here.
        Interlocked.MemoryBarrierProcessWide();
        return slot;
    }

    private void Retire(Slot slot)
    {
        lock (_registering)
        {
            if (slot.IsRetired)
                return;
            slot.End();
            Interlocked.MemoryBarrierProcessWide();
            slot.WaitIsIdle(); // who came in meanwhile without seeing it
            CountSlots();
        }
    }

    private void CountSlots()
    {
        var only = Nobody;
        for (var i = 0; i < _slots.Length; i++)
        {
            if (_slots[i] is { IsRetired: false })
                only = only == Nobody ? i : Several;
        }

        Volatile.Write(ref _only, only);
    }

    /// <summary>A thread's place. Two lines of cache on each side keep it apart from the next.</summary>
    internal sealed class Slot
    {
        private Padded _state;

        public bool IsInside => Volatile.Read(ref _state.IsInside);

        /// <summary>Whether the slot is not looked at any more, until its thread comes again.</summary>
        public bool IsRetired => Volatile.Read(ref _state.IsRetired);

        /// <summary>Accesses that ended and were not left out.</summary>
        public ulong Counted => (ulong)(Volatile.Read(ref _state.Count) - Volatile.Read(ref _state.Excepted));

        /// <summary>Enters, unless the slot is not looked at any more, or its thread is inside.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryEnter()
        {
            if (_state.IsInside)
                return false;
            Volatile.Write(ref _state.IsInside, true);
            if (!Volatile.Read(ref _state.IsRetired))
                return true;
            Volatile.Write(ref _state.IsInside, false);
            return false;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Leave()
        {
            Volatile.Write(ref _state.Count, _state.Count + 1);
            Volatile.Write(ref _state.IsInside, false);
        }

        /// <summary>The slot is looked at from now on.</summary>
        public void Begin()
        {
            _state.Waits = 0;
            Volatile.Write(ref _state.IsRetired, false);
        }

        /// <summary>The slot is not looked at any more.</summary>
        public void End() => Volatile.Write(ref _state.IsRetired, true);

        /// <summary>Leaves the access that is going on out of the count.</summary>
        public void Except() => Volatile.Write(ref _state.Excepted, _state.Excepted + 1);

        /// <summary>Waits for the access that is going on, if there is one.</summary>
        /// <returns>Whether there was none for so long that nobody should ask any more.</returns>
        public bool WaitIsIdle()
        {
            var count = Volatile.Read(ref _state.Count); // first: what goes on afterwards is this access as long as the count is this
            var wait = default(SpinWait);
            var isInside = IsInside;
            while (IsInside && Volatile.Read(ref _state.Count) == count)
                wait.SpinOnce();
            var waits = !isInside && count == Volatile.Read(ref _state.SeenCount) ? Volatile.Read(ref _state.Waits) + 1 : 0;
            Volatile.Write(ref _state.SeenCount, count);
            Volatile.Write(ref _state.Waits, waits);
            return waits >= IdleWaits;
        }

        [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit, Size = 384)]
        private struct Padded
        {
            [System.Runtime.InteropServices.FieldOffset(128)]
            public long Count;      // accesses that ended; written by the thread only, as is the next

            [System.Runtime.InteropServices.FieldOffset(136)]
            public bool IsInside;   // written as a constant: entering waits for no store before

            [System.Runtime.InteropServices.FieldOffset(137)]
            public bool IsRetired;  // the slot is not looked at any more

            [System.Runtime.InteropServices.FieldOffset(144)]
            public long Excepted;   // accesses that do not count; written by the thread only

            [System.Runtime.InteropServices.FieldOffset(256)]
            public long SeenCount;  // Count as the last wait saw it

            [System.Runtime.InteropServices.FieldOffset(264)]
            public int Waits;       // waits in a row that saw the same
        }
    }

    /// <summary>As long as it lives, the access is going on.</summary>
    public readonly ref struct Scope
    {
        private readonly Slot _slot;

        internal Scope(Slot slot) => _slot = slot;

        /// <summary>Leaves the access out of <see cref="Counted"/>.</summary>
        public void Except() => _slot.Except();

        /// <summary>Says that the access has ended.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _slot.Leave();
    }
}
