using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core.Memory;

namespace Aperture.Dma.Sanitizer;

/// <summary>The mappings on each page of memory, and which pages the CPU has taken since they were given out: what it has not taken it
/// cannot write.</summary>
/// <remarks>
/// A page of RAM belongs to the address space that maps it: what is mapped there is known to that space alone, and guarded by its lock.
/// Another space takes over a page on which nothing is mapped, while all spaces are held. A page with mappings of several spaces, one that
/// changed hands often, and memory that is not the machine's, belong to all of them: such pages have gates of their own.
/// </remarks>
internal sealed unsafe class MemoryPages
{
    private const int IdMask = (1 << 23) - 1;
    private const int Shared = IdMask;      // belongs to all
    private const int Move = 1 << 23;       // how often it went from one space to another
    private const int MostMoves = 15;
    private const int Outside = 1 << 29;    // no RAM
    private const int Taken = 1 << 30;      // by the CPU

    private const int Gates = 256;
    private const ulong PageMask = (1UL << PageIndex.Shift) - 1;

    private readonly Region _region;     // the first, where most memory is
    private readonly Region[] _regions;
    private readonly Page* _states;      // of all of them
    private readonly Page* _outside;     // what is no RAM: the CPU may have any view of it
    private readonly Shard[] _shards = [.. Enumerable.Range(0, Gates).Select(_ => new Shard())];
    private SpaceWatch?[] _spaces = new SpaceWatch?[16]; // by number; replaced whole when it grows
    private readonly Stack<int> _free = new();           // numbers of spaces that ended
    private int _lastId;

    /// <summary>The pages of RAM.</summary>
    /// <param name="memory">The machine's RAM; null where there is none to look into.</param>
    public MemoryPages(PhysicalMemory? memory)
    {
        var ranges = memory is null ? [] : memory.Regions.ToArray();
        // Of the host's memory only what is looked at. Not moved, so that a page is found without a further step.
        _states = (Page*)NativeMemory.AllocZeroed((nuint)ranges.Aggregate(1UL, (sum, range) => sum + (range.Length >> PageIndex.Shift)),
            (nuint)sizeof(Page));
        _outside = _states;
        _outside->Owner = Shared | Taken | Outside;
        _regions = new Region[ranges.Length];
        var states = _states + 1;
        for (var i = 0; i < ranges.Length; i++)
        {
            _regions[i] = new Region(memory!, ranges[i], states);
            states += ranges[i].Length >> PageIndex.Shift;
        }

        if (_regions.Length > 0)
            _region = _regions[0];
    }

    /// <summary>Gives the states of the pages back. Nobody is at them any more: who writes them keeps this object.</summary>
    ~MemoryPages() => NativeMemory.Free(_states);

    /// <summary>A number for a new space; -1 when there are too many: then its pages belong to all. For who holds all.</summary>
    public int NextId() => _free.TryPop(out var id) ? id : _lastId + 1 < Shared ? ++_lastId : -1;

    /// <summary>A space begins. For who holds all.</summary>
    public void Add(SpaceWatch space)
    {
        if (space.Id < 0)
            return;
        var spaces = _spaces;
        if (space.Id >= spaces.Length)
            Array.Resize(ref spaces, Math.Max(space.Id + 1, spaces.Length * 2));
        Volatile.Write(ref spaces[space.Id], space);
        Volatile.Write(ref _spaces, spaces);
    }

    /// <summary>A space in which nothing is live ends. What pages it still has are those of the next with its number. For who holds
    /// all.</summary>
    public void Remove(SpaceWatch space)
    {
        if (space.Id < 0)
            return;
        Volatile.Write(ref _spaces[space.Id], null);
        _free.Push(space.Id);
    }

    /// <summary>The CPU takes pages.</summary>
    /// <returns>Whether it had not taken some of them before.</returns>
    public bool Take(ulong first, ulong last)
    {
        var isNew = false;
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            ref var state = ref At(page);
            if ((Volatile.Read(ref state.Owner) & Taken) != 0)
                continue;
            Interlocked.Or(ref state.Owner, Taken);
            isNew = true;
        }

        GC.KeepAlive(this);
        return isNew;
    }

    /// <summary>Forgets that the CPU took the pages that lie wholly in a range.</summary>
    public void Forget(ulong first, ulong last)
    {
        var page = (first + ((1UL << PageIndex.Shift) - 1)) >> PageIndex.Shift;
        for (var end = (last + 1) >> PageIndex.Shift; page < end; page++)
        {
            ref var state = ref At(page);
            if ((Volatile.Read(ref state.Owner) & (Taken | Outside)) == Taken)
                Interlocked.And(ref state.Owner, ~Taken);
        }

        GC.KeepAlive(this);
    }

    /// <summary>Whether the CPU took a page of a range, or one is not memory.</summary>
    public bool IsTaken(ulong first, ulong last)
    {
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            if ((Volatile.Read(ref At(page).Owner) & Taken) != 0)
                return true;
        }

        return false;
    }

    /// <summary>Whether a page may have mappings; to be asked again by who holds all.</summary>
    public bool MayHaveAny(ulong page)
    {
        ref var state = ref At(page);
        if ((Volatile.Read(ref state.Owner) & IdMask) != Shared)
            return Volatile.Read(ref state.First) != 0;
        using var shard = Hold(page);
        return shard.Pages.On(page << PageIndex.Shift).MoveNext();
    }

    /// <summary>The space that a page belongs to; null for none, or all.</summary>
    public SpaceWatch? OwnerOf(ulong page)
    {
        var id = Volatile.Read(ref At(page).Owner) & IdMask;
        var spaces = Volatile.Read(ref _spaces);
        return id < spaces.Length ? Volatile.Read(ref spaces[id]) : null;
    }

    /// <summary>The number of the latest mapping on a page that belongs to a space; 0 for none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FirstOf(SpaceWatch space, ulong page)
    {
        ref var state = ref At(page);
        return (state.Owner & IdMask) == space.Id ? state.First : 0;
    }

    /// <summary>Adds a mapping on the only page that it lies on, where nothing else is, the page belongs to its space, and the CPU has not
    /// taken it. False, and nothing done, otherwise. The space is held.</summary>
    /// <param name="mapping">The mapping.</param>
    /// <param name="space">Its space.</param>
    /// <param name="pointer">Where the CPU finds the memory; null when it is not known.</param>
    /// <param name="cpu">Where it does by its physical address.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAddLone(LiveMapping mapping, SpaceWatch space, byte* pointer, out byte* cpu)
    {
        var offset = mapping.Memory.Value - _region.Start;
        cpu = _region.Bytes + offset;
        if (offset >= _region.Length || (offset & PageMask) + mapping.Length > PageMask + 1 || (pointer != cpu && pointer != null))
            return false;
        ref var state = ref _region.States[offset >> PageIndex.Shift];
        if ((state.Owner & (IdMask | Taken)) != space.Id || state.First != 0)
            return false;
        state.First = mapping.Slot;
        mapping.NextOnFirst = 0;
        GC.KeepAlive(this);
        return true;
    }

    /// <summary>Takes away the mapping that is the only one on a page of a space without a domain, if it is found by its memory and lies on
    /// that page only. The space is held.</summary>
    /// <param name="space">The space.</param>
    /// <param name="address">The mapping's first byte.</param>
    /// <param name="serial">Its number.</param>
    /// <param name="traits">What it may be.</param>
    /// <returns>The mapping; null, and nothing is done, otherwise.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LiveMapping? TryRemoveLone(SpaceWatch space, ulong address, uint serial, MappingTraits traits)
    {
        var offset = address - _region.Start;
        if (offset >= _region.Length)
            return null;
        ref var state = ref _region.States[offset >> PageIndex.Shift];
        if ((state.Owner & IdMask) != space.Id || state.First == 0)
            return null;
        var mapping = space[state.First];
        if (mapping.Serial != serial || mapping.Address.Value != address || mapping.NextOnFirst != 0 || (mapping.Traits & ~traits) != 0
            || (offset & PageMask) + mapping.Length > PageMask + 1)
            return null;
        state.First = 0;
        GC.KeepAlive(this);
        return mapping;
    }

    /// <summary>Takes a mapping away that is the only one on the only page that it lies on. False, and nothing done, otherwise. The space
    /// is held.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRemoveLone(LiveMapping mapping, SpaceWatch space)
    {
        var offset = mapping.Memory.Value - _region.Start;
        if (offset >= _region.Length || mapping.NextOnFirst != 0 || (offset & PageMask) + mapping.Length > PageMask + 1)
            return false;
        ref var state = ref _region.States[offset >> PageIndex.Shift];
        if ((state.Owner & IdMask) != space.Id || state.First != mapping.Slot)
            return false;
        state.First = 0;
        GC.KeepAlive(this);
        return true;
    }

    /// <summary>Adds a mapping where on its pages there are others of the same device at most, in other lines of the cache. False, and
    /// nothing done, where there are more, or a page belongs to another space. The space is held.</summary>
    /// <param name="mapping">The mapping.</param>
    /// <param name="line">Bytes of a line of the cache.</param>
    public bool TryAddAlone(LiveMapping mapping, ulong line)
    {
        var first = mapping.Memory.Value >> PageIndex.Shift;
        var end = mapping.MemoryLast >> PageIndex.Shift;
        if (mapping.Space.Domain is null && mapping.Address.Value == mapping.Memory.Value)
            mapping.Traits &= ~MappingTraits.Indexed;
        else
            mapping.Traits |= MappingTraits.Indexed;
        for (var page = first; page <= end; page++)
        {
            if (TryAddAlone(mapping, page, line, page != first && page != end))
                continue;
            if (page != first)
                Remove(mapping, first, page - 1);
            return false;
        }

        return true;
    }

    private bool TryAddAlone(LiveMapping mapping, ulong page, ulong line, bool isInner)
    {
        var space = mapping.Space;
        ref var state = ref At(page);
        var owner = Volatile.Read(ref state.Owner);
        if ((owner & IdMask) == 0 && space.Id > 0)
        {
            var seen = Interlocked.CompareExchange(ref state.Owner, owner | space.Id, owner);
            owner = seen == owner ? owner | space.Id : Volatile.Read(ref state.Owner);
        }

        if ((owner & IdMask) == Shared)
        {
            using var held = Hold(page);
            foreach (var other in held.Pages.On(page << PageIndex.Shift))
            {
                if (!IsApart(mapping, other, line))
                    return false;
            }

            held.Pages.Add(mapping, page << PageIndex.Shift, page << PageIndex.Shift);
            mapping.Traits |= MappingTraits.Indexed;
            return true;
        }

        if ((owner & IdMask) != space.Id)
            return false;
        for (var slot = state.First; slot != 0;)
        {
            var other = space[slot];
            if (isInner || !IsApart(mapping, other, line))
                return false;
            slot = other.NextOn(page);
        }

        Link(ref state, mapping, page);
        GC.KeepAlive(this);
        return true;
    }

    /// <summary>Adds a mapping, whatever else is on its pages. For who holds all.</summary>
    public void Add(LiveMapping mapping)
    {
        var first = mapping.Memory.Value >> PageIndex.Shift;
        var end = mapping.MemoryLast >> PageIndex.Shift;
        if (mapping.Space.Domain is null && mapping.Address.Value == mapping.Memory.Value)
            mapping.Traits &= ~MappingTraits.Indexed;
        else
            mapping.Traits |= MappingTraits.Indexed;
        for (var page = first; page <= end; page++)
        {
            ref var state = ref At(page);
            if (TryOwn(ref state, mapping.Space) && (state.First == 0 || page == first || page == end))
            {
                Link(ref state, mapping, page);
                continue;
            }

            Share(ref state, page);
            ShardOf(page).Pages.Add(mapping, page << PageIndex.Shift, page << PageIndex.Shift);
            mapping.Traits |= MappingTraits.Indexed;
        }

        Interlocked.MemoryBarrier(); // who takes a page from now on sees the mapping, or the page is seen to be taken
    }

    /// <summary>Takes a mapping away. The space is held.</summary>
    public void Remove(LiveMapping mapping) =>
        Remove(mapping, mapping.Memory.Value >> PageIndex.Shift, mapping.MemoryLast >> PageIndex.Shift);

    /// <summary>The mappings on one page, the latest first. For who holds all.</summary>
    public Chain On(ulong address) => new(this, address >> PageIndex.Shift);

    /// <summary>Whether all mappings on a page are of one space; <paramref name="action"/> is done on them while they stay. The space is
    /// held.</summary>
    public bool TryVisit(SpaceWatch space, ulong page, ReadOnlySpan<byte> data, ulong memory, VisitAction action)
    {
        ref var state = ref At(page);
        var id = Volatile.Read(ref state.Owner) & IdMask;
        if (id == space.Id)
        {
            for (var slot = state.First; slot != 0;)
            {
                var mapping = space[slot];
                action(mapping, memory, data);
                slot = mapping.NextOn(page);
            }

            return true;
        }

        if (id != Shared)
            return Volatile.Read(ref state.First) == 0;
        using var held = Hold(page);
        foreach (var mapping in held.Pages.On(page << PageIndex.Shift))
        {
            if (mapping.Space != space)
                return false;
        }

        foreach (var mapping in held.Pages.On(page << PageIndex.Shift))
            action(mapping, memory, data);
        return true;
    }

    private static bool IsApart(LiveMapping mapping, LiveMapping other, ulong line) => other.Stay.Device == mapping.Stay.Device
        && (other.Memory.Value > (mapping.MemoryLast | (line - 1)) || (mapping.Memory.Value & ~(line - 1)) > other.MemoryLast);

    private static void Link(ref Page state, LiveMapping mapping, ulong page)
    {
        mapping.SetNextOn(page, state.First);
        state.First = mapping.Slot;
    }

    private void Remove(LiveMapping mapping, ulong first, ulong last)
    {
        for (var page = first; page <= last; page++)
        {
            ref var state = ref At(page);
            if ((Volatile.Read(ref state.Owner) & IdMask) == Shared)
            {
                using var held = Hold(page);
                held.Pages.Remove(mapping, page << PageIndex.Shift, page << PageIndex.Shift);
            }
            else
            {
                Unlink(ref state, mapping, page);
            }
        }

        GC.KeepAlive(this);
    }

    private static void Unlink(ref Page state, LiveMapping mapping, ulong page)
    {
        var space = mapping.Space;
        if (state.First == mapping.Slot)
        {
            state.First = mapping.NextOn(page);
            return;
        }

        for (var slot = state.First; slot != 0;)
        {
            var other = space[slot];
            slot = other.NextOn(page);
            if (slot == mapping.Slot)
            {
                other.SetNextOn(page, mapping.NextOn(page));
                return;
            }
        }
    }

    /// <summary>Gives a page to a space. False where it belongs to all, or another one has something there.</summary>
    private static bool TryOwn(ref Page state, SpaceWatch space)
    {
        while (true)
        {
            var owner = Volatile.Read(ref state.Owner);
            var id = owner & IdMask;
            if (id == space.Id)
                return true;
            if (space.Id < 0 || id == Shared || (id != 0 && (state.First != 0 || (owner & (Taken - 1)) / Move >= MostMoves)))
                return false;
            var next = (owner & ~IdMask) + (id == 0 ? 0 : Move) + space.Id;
            if (Interlocked.CompareExchange(ref state.Owner, next, owner) == owner) // the CPU may take it meanwhile
                return true;
        }
    }

    /// <summary>From now on a page belongs to all.</summary>
    private void Share(ref Page state, ulong page)
    {
        var id = Volatile.Read(ref state.Owner) & IdMask;
        if (id == Shared)
            return;
        var chain = new Stack<LiveMapping>(); // the latest is added last, and so stays the first
        foreach (var mapping in On(page << PageIndex.Shift))
            chain.Push(mapping);
        foreach (var mapping in chain)
        {
            ShardOf(page).Pages.Add(mapping, page << PageIndex.Shift, page << PageIndex.Shift);
            if (mapping.IsIndexed)
                continue;
            mapping.Traits |= MappingTraits.Indexed;
            mapping.Space.Pages.Add(mapping, mapping.Start, mapping.Last);
        }

        state.First = 0;
        Interlocked.Or(ref state.Owner, Shared);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Page At(ulong page)
    {
        var offset = (page << PageIndex.Shift) - _region.Start;
        if (offset < _region.Length)
            return ref _region.States[offset >> PageIndex.Shift];
        return ref AtOther(page);
    }

    private ref Page AtOther(ulong page)
    {
        foreach (ref readonly var region in _regions.AsSpan())
        {
            var offset = (page << PageIndex.Shift) - region.Start;
            if (offset < region.Length)
                return ref region.States[offset >> PageIndex.Shift];
        }

        return ref *_outside;
    }

    /// <summary>Keeps others away from a page that belongs to all, and those that share its gate, until the result is disposed: for a
    /// moment.</summary>
    private Held Hold(ulong page)
    {
        var shard = ShardOf(page);
        if (Interlocked.CompareExchange(ref shard.IsHeld, 1, 0) != 0)
            Wait(shard);
        return new Held(shard);
    }

    private static void Wait(Shard shard)
    {
        var wait = default(SpinWait);
        do
            wait.SpinOnce(-1); // gives the processor away, and does not sleep
        while (Interlocked.CompareExchange(ref shard.IsHeld, 1, 0) != 0);
    }

    private Shard ShardOf(ulong page) => _shards[(page ^ (page >> 8)) % Gates];

    /// <summary>What is done on the mappings of a page that a device writes.</summary>
    public delegate void VisitAction(LiveMapping mapping, ulong memory, ReadOnlySpan<byte> data);

    /// <summary>What is known of a page.</summary>
    private struct Page
    {
        public int Owner; // the number of the space that it belongs to, 0 for none, and bits; changed by compare-and-swap
        public int First; // the number of the latest mapping there; changed by who holds the owner
    }

    private readonly struct Region
    {
        public readonly ulong Start;     // the first byte
        public readonly ulong Length;    // bytes
        public readonly byte* Bytes;     // where the CPU finds them
        public readonly Page* States;    // of each page

        public Region(PhysicalMemory memory, MemoryRange range, Page* states)
        {
            (Start, Length) = (range.Start.Value, range.Length);
            States = states;
            memory.TryGetPointer(range.Start, range.Length, out Bytes);
        }
    }

    /// <summary>A page that is held.</summary>
    private readonly ref struct Held(Shard shard)
    {
        public PageIndex Pages => shard.Pages;

        public void Dispose() => Volatile.Write(ref shard.IsHeld, 0);
    }

    /// <summary>Some pages that belong to all.</summary>
    private sealed class Shard
    {
        public int IsHeld; // 1 while somebody is at it

        public PageIndex Pages { get; } = new();
    }

    /// <summary>The mappings on one page of memory.</summary>
    public ref struct Chain
    {
        private readonly SpaceWatch? _space; // to which it belongs; null for all
        private readonly ulong _page;
        private PageIndex.Chain _shared;
        private int _next;

        internal Chain(MemoryPages pages, ulong page)
        {
            _page = page;
            ref var state = ref pages.At(page);
            if ((Volatile.Read(ref state.Owner) & IdMask) == Shared)
                _shared = pages.ShardOf(page).Pages.On(page << PageIndex.Shift);
            else if ((_space = pages.OwnerOf(page)) is not null)
                _next = state.First;
        }

        public LiveMapping Current { get; private set; } = null!;

        public readonly Chain GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_space is null)
            {
                if (!_shared.MoveNext())
                    return false;
                Current = _shared.Current;
                return true;
            }

            if (_next == 0)
                return false;
            Current = _space[_next];
            _next = Current.NextOn(_page);
            return true;
        }
    }
}
