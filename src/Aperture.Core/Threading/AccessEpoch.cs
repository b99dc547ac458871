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
    private int _only = Nobody;   // the index of the only thread with a slot

    /// <summary>How many threads are waited for: those that made accesses lately.</summary>
    public int Threads => Volatile.Read(ref _slots).Count(slot => slot is not null);

    /// <summary>Says that the calling thread begins an access.</summary>
    /// <exception cref="LockRecursionException">The thread is in the middle of one.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Enter() => Enter(ThreadRecord.Current);

    /// <summary>Says that the calling thread begins an access.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <exception cref="LockRecursionException">The thread is in the middle of one.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Scope Enter(ThreadRecord thread)
    {
        ArgumentNullException.ThrowIfNull(thread);
        var slots = Volatile.Read(ref _slots);
        if ((uint)thread.Index < (uint)slots.Length && slots[thread.Index] is { } slot && slot.TryEnter(out var count))
            return new Scope(slot, count);
        return Register(thread);
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
            if (i == own || Volatile.Read(ref slots[i]) is not { } slot)
                continue;
            if (slot.WaitIsIdle())
                Retire(i, slot);
        }
    }

    /// <summary>Gives the calling thread a slot and enters it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Scope Register(ThreadRecord thread)
    {
        while (true)
        {
            var slot = Publish(thread);
            if (slot.TryEnter(out var count))
                return new Scope(slot, count);
        }
    }

    private Slot Publish(ThreadRecord thread)
    {
        var slot = new Slot();
        lock (_registering)
        {
            if (thread.Index >= _slots.Length)
            {
                var longer = new Slot?[Math.Max(thread.Index + 1, _slots.Length * 2)];
                _slots.CopyTo(longer, 0);
                Volatile.Write(ref longer[thread.Index], slot);
                Volatile.Write(ref _slots, longer);
            }
            else
            {
                Volatile.Write(ref _slots[thread.Index], slot);
            }

            CountSlots();
        }

        // Whoever did not see the slot yet has its change seen here.
        Interlocked.MemoryBarrierProcessWide();
        return slot;
    }

    private void Retire(int index, Slot slot)
    {
        lock (_registering)
        {
            if (index >= _slots.Length || _slots[index] != slot)
                return;
            slot.Retire();
            Interlocked.MemoryBarrierProcessWide();
            slot.WaitIsIdle(); // who came in meanwhile without seeing it
            Volatile.Write(ref _slots[index], null);
            CountSlots();
        }
    }

    private void CountSlots()
    {
        var only = Nobody;
        for (var i = 0; i < _slots.Length; i++)
        {
            if (_slots[i] is not null)
                only = only == Nobody ? i : Several;
        }

        Volatile.Write(ref _only, only);
    }

    /// <summary>A thread's place. Two lines of cache on each side keep it apart from the next.</summary>
    internal sealed class Slot
    {
        private Padded _state;

        public bool IsInside => (_state.Count & 1) != 0;

        /// <summary>Enters, unless the slot is not looked at any more.</summary>
        /// <param name="count">What <see cref="Leave"/> is given: it need not wait for the step before.</param>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryEnter(out long count)
        {
            count = _state.Count;
            if ((count & 1) != 0)
                ThrowNested();
            Volatile.Write(ref _state.Count, count + 1);
            if (!Volatile.Read(ref _state.IsRetired))
                return true;
            Leave(count);
            return false;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Leave(long count) => Volatile.Write(ref _state.Count, count + 2);

        public void Retire() => Volatile.Write(ref _state.IsRetired, true);

        /// <summary>Waits for the access that is going on, if there is one.</summary>
        /// <returns>Whether there was none for so long that nobody should ask any more.</returns>
        public bool WaitIsIdle()
        {
            var count = Volatile.Read(ref _state.Count);
            if ((count & 1) != 0)
            {
                var wait = default(SpinWait);
                while (Volatile.Read(ref _state.Count) == count)
                    wait.SpinOnce();
            }

            var waits = count == Volatile.Read(ref _state.SeenCount) ? Volatile.Read(ref _state.Waits) + 1 : 0;
            Volatile.Write(ref _state.SeenCount, count);
            Volatile.Write(ref _state.Waits, waits);
            return waits >= IdleWaits && (count & 1) == 0;
        }

        private static void ThrowNested() => throw new LockRecursionException("a thread begins an access within an access");

        [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit, Size = 384)]
        private struct Padded
        {
            [System.Runtime.InteropServices.FieldOffset(128)]
            public long Count;      // odd while the thread is inside; written by the thread only

            [System.Runtime.InteropServices.FieldOffset(136)]
            public bool IsRetired;  // the slot is not looked at any more

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
        private readonly long _count;

        internal Scope(Slot slot, long count)
        {
            _slot = slot;
            _count = count;
        }

        /// <summary>Says that the access has ended.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Dispose() => _slot.Leave(_count);
    }
}
