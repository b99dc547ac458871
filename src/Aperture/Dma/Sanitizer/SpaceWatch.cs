using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Aperture.Core.Threading;
using Aperture.Iommu;

namespace Aperture.Dma.Sanitizer;

/// <summary>One device address space: what is mapped there, and what was.</summary>
/// <param name="key">The domain, or the device without one.</param>
/// <param name="id">Its number: see <see cref="MemoryPages"/>.</param>
/// <param name="history">Ended mappings that are remembered.</param>
/// <param name="memory">The mappings of all spaces by their memory.</param>
internal sealed class SpaceWatch(object key, int id, int history, MemoryPages memory) : LineApart
{
    private const int LeastMade = 4;  // mappings that are made at once
    private const int MostMade = 64;

    private readonly int _history = history; // ended mappings that are remembered
    private readonly Stack<byte[]>?[] _copies = new Stack<byte[]>?[32];  // for those to come, by the logarithm of the length
    private LiveMapping[] _slots = new LiveMapping[16]; // all mappings by their numbers, from 1
    private int _made;                // how many there are
    private int _used;                // how many of them were used; the others come behind
    private int[] _ended = new int[16]; // a ring of those that are not live, by their numbers: the last that ended is the last
    private int _first;               // where the ring begins, and
    private int _end;                 // where it ends; both count on
    private int _kept = history;      // how many it keeps
    private long _clock;              // the number of the last call here

    /// <summary>Guards what is here, and the mappings.</summary>
    public BiasedLock Lock { get; } = new();

    /// <summary>Its devices have let go, and it is watched no more.</summary>
    public bool IsGone { get; set; }

    /// <summary>How many mappings may be live.</summary>
    public int Quota { get; set; }

    /// <summary>How many are.</summary>
    public int LiveCount => _used - (_end - _first);

    /// <summary>The live mappings, in no order.</summary>
    public IEnumerable<LiveMapping> Live => _slots.Skip(1).Take(_used).Where(mapping => mapping.IsLive);

    /// <summary>The live mappings, and those that ended last, in no order.</summary>
    public IEnumerable<LiveMapping> Known =>
        _slots.Skip(1).Take(_used).Where(mapping => (mapping.Traits & MappingTraits.Void) == 0 && mapping.Stay is not null);

    /// <summary>The number of the last call here with which all was well.</summary>
    public long Clock => _clock;

    /// <summary>The domain, or the device without one.</summary>
    public object Key { get; } = key;

    /// <summary>The domain, or null.</summary>
    public IommuDomain? Domain { get; } = key as IommuDomain;

    /// <summary>Tells it from all others; -1 when there were too many.</summary>
    public int Id { get; } = id;

    /// <summary>The live mappings by device address, but for those that are found by their memory.</summary>
    public PageIndex Pages { get; } = new();

    /// <summary>Whether there are mappings that were not remembered.</summary>
    public bool IsPartial { get; set; }

    /// <summary>A mapping by its number.</summary>
    public LiveMapping this[int slot]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_slots), slot); // no number is given out that is not there
    }

    /// <summary>A call begins, behind all that were here, whichever thread they came from.</summary>
    /// <param name="thread">The calling thread's record.</param>
    /// <returns>Its number.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long Tick(ThreadRecord thread)
    {
        var now = CallClock.Tick(thread);
        if (now <= _clock)
            thread.Clock = now = _clock + 1;
        return _clock = now;
    }

    /// <summary>A mapping to fill in, if there is one within the quota: the one that ended before all others that are remembered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LiveMapping? TryTake()
    {
        var first = _first;
        if (_end - first <= _kept)
            return TryTakeUnused();
        _first = first + 1;
        return this[At(first)];
    }

    /// <summary>A mapping to fill in, which is within the quota.</summary>
    public LiveMapping Take() => TryTake() ?? Make();

    /// <summary>A mapping that was taken, and is not live after all.</summary>
    public void Return(LiveMapping mapping)
    {
        mapping.Traits = MappingTraits.Void;
        At(--_first) = mapping.Slot;
    }

    /// <summary>A mapping that has ended is remembered, until as many as are kept have ended after it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remember(LiveMapping mapping)
    {
        var end = _end;
        At(end) = mapping.Slot;
        _end = end + 1;
    }

    /// <summary>From now on there is nothing to fill in. What is remembered stays.</summary>
    public void Close()
    {
        Quota = 0;
        IsGone = true;
        _kept = int.MaxValue;
        _made = _used;
    }

    /// <summary>A place for a copy: one that was used here before, or of a pool.</summary>
    public byte[]? Rent(SnapshotPool pool, ulong length)
    {
        if (length <= SnapshotPool.Largest && _copies[SnapshotPool.OrderOf(length)] is { } stack && stack.TryPop(out var copy))
            return copy;
        return pool.Rent(length);
    }

    /// <summary>Keeps a place for the next copy, up to what so many mappings need.</summary>
    public void Return(SnapshotPool pool, byte[] copy)
    {
        const int Kept = 1 << 20; // bytes of one size
        var stack = _copies[BitOperations.Log2((uint)copy.Length)] ??= new Stack<byte[]>();
        if ((stack.Count + 1L) * copy.Length > Kept)
            pool.Return(copy);
        else
            stack.Push(copy);
    }

    /// <summary>Gives the places back.</summary>
    public void Empty(SnapshotPool pool)
    {
        foreach (var stack in _copies)
        {
            while (stack is not null && stack.TryPop(out var copy))
                pool.Return(copy);
        }
    }

    /// <summary>An ended mapping by its number.</summary>
    public bool TryFindPast(string device, ulong address, uint serial, out MappingRecord record) =>
        TryFindPast(past => past.Serial == serial && past.Start == address && past.Device.Name == device, out record);

    /// <summary>The latest ended mapping in whose memory an address lies.</summary>
    public bool TryFindPastMemory(string device, ulong memory, out MappingRecord record) =>
        TryFindPast(past => past.Device.Name == device && past.Memory.Value <= memory && memory - past.Memory.Value < past.Length,
            out record);

    /// <summary>The latest ended mapping that overlaps a range.</summary>
    public bool TryFindPast(ulong first, ulong last, out MappingRecord record) =>
        TryFindPast(past => past.Overlaps(first, last), out record);

    /// <summary>The ended mappings that share a page with a range, the latest first.</summary>
    public List<MappingRecord> PastOf(ulong first, ulong last, int limit) => [.. Past.Where(past =>
        past.Start >> PageIndex.Shift <= last >> PageIndex.Shift && first >> PageIndex.Shift <= past.Last >> PageIndex.Shift)
        .Take(limit).Select(past => past.Record)];

    /// <summary>The mappings on the page of a device address, the latest first.</summary>
    public Chain On(ulong address) => new(this, address >> PageIndex.Shift, memory);

    /// <summary>The live mapping that holds a device address: the latest one where there are several.</summary>
    public LiveMapping? Find(ulong address)
    {
        foreach (var mapping in On(address))
        {
            if (mapping.Contains(address, address))
                return mapping;
        }

        return null;
    }

    /// <summary>The ended mappings, the latest first.</summary>
    private IEnumerable<LiveMapping> Past
    {
        get
        {
            for (var i = 1; i <= Math.Min(_end - _first, _history); i++)
            {
                var mapping = this[At(_end - i)];
                if ((mapping.Traits & MappingTraits.Void) == 0)
                    yield return mapping;
            }
        }
    }

    // A place of the ring, which is as long as a power of two.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref int At(int place) => ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_ended), place & (_ended.Length - 1));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private LiveMapping? TryTakeUnused() => _used < _made && LiveCount < Quota ? this[++_used] : null;

    /// <summary>Makes some, no more than can be live beside those that are kept.</summary>
    private LiveMapping Make()
    {
        var more = Math.Max(1, Math.Min(Math.Clamp(_made / 2, LeastMade, MostMade), Quota + _history - _made));
        if (_made + more >= _slots.Length)
            Array.Resize(ref _slots, Math.Max(_slots.Length * 2, (int)BitOperations.RoundUpToPowerOf2((uint)(_made + more + 1))));
        if (_slots.Length > _ended.Length)
        {
            var ended = new int[_slots.Length];
            for (var place = _first; place != _end; place++)
                ended[place & (ended.Length - 1)] = At(place);
            _ended = ended;
        }

        for (var i = 0; i < more; i++)
        {
            _slots[_made + 1] = new LiveMapping(this, _made + 1);
            _made++;
        }

        return TryTakeUnused()!;
    }

    private bool TryFindPast(Func<LiveMapping, bool> isIt, out MappingRecord record)
    {
        var found = Past.FirstOrDefault(isIt);
        record = found is null ? default : found.Record;
        return found is not null;
    }

    /// <summary>The mappings on one page of device addresses.</summary>
    public ref struct Chain
    {
        private readonly SpaceWatch _space;
        private readonly ulong _page;
        private PageIndex.Chain _indexed;
        private int _next; // of those that are found by their memory, where that is what the device sees

        internal Chain(SpaceWatch space, ulong page, MemoryPages memory)
        {
            _space = space;
            _page = page;
            _indexed = space.Pages.On(page << PageIndex.Shift);
            _next = space.Domain is null ? memory.FirstOf(space, page) : 0;
        }

        public LiveMapping Current { get; private set; } = null!;

        public readonly Chain GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_indexed.MoveNext())
            {
                Current = _indexed.Current;
                return true;
            }

            while (_next != 0)
            {
                var mapping = _space[_next];
                _next = mapping.NextOn(_page);
                if (mapping.IsIndexed)
                    continue;
                Current = mapping;
                return true;
            }

            return false;
        }
    }
}
