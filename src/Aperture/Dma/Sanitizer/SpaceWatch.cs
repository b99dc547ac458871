using System.Numerics;

namespace Aperture.Dma.Sanitizer;

/// <summary>One device address space: what is mapped there, and what was.</summary>
internal sealed class SpaceWatch(object key, int history)
{
    private readonly MappingRecord[] _past = new MappingRecord[history]; // a ring of ended mappings
    private long _ended;                                                 // how many ended so far

    private readonly Stack<LiveMapping> _spare = new();                  // ended ones, for the next
    private readonly Stack<byte[]>?[] _copies = new Stack<byte[]>?[32];  // for those to come, by the logarithm of the length

    /// <summary>Guards what is here, and the mappings.</summary>
    public Lock Lock { get; } = new();

    /// <summary>Its devices have let go, and it is watched no more.</summary>
    public bool IsGone { get; set; }

    /// <summary>How many more mappings may be live before the sanitizer has to be asked.</summary>
    public int Quota { get; set; }

    /// <summary>The live mappings, in no order.</summary>
    public List<LiveMapping> Live { get; } = [];

    /// <summary>The domain, or the device without one.</summary>
    public object Key { get; } = key;

    /// <summary>The live mappings by device address.</summary>
    public PageIndex Pages { get; } = new();

    /// <summary>Whether there are mappings that were not remembered.</summary>
    public bool IsPartial { get; set; }

    /// <summary>A mapping to fill in.</summary>
    public LiveMapping Take() => _spare.TryPop(out var mapping) ? mapping : new LiveMapping();

    public void Add(LiveMapping mapping)
    {
        mapping.Index = Live.Count;
        Live.Add(mapping);
        Pages.Add(mapping, mapping.Start, mapping.Last);
    }

    public void Remove(LiveMapping mapping)
    {
        Pages.Remove(mapping, mapping.Start, mapping.Last);
        var last = Live[^1];
        Live[mapping.Index] = last;
        last.Index = mapping.Index;
        Live.RemoveAt(Live.Count - 1);
        Return(mapping);
    }

    /// <summary>A mapping that was taken, and is not live or not any more.</summary>
    public void Return(LiveMapping mapping)
    {
        Quota++;
        mapping.Space = null!;
        _spare.Push(mapping);
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

    public void Remember(in MappingRecord record) => _past[_ended++ % _past.Length] = record;

    /// <summary>An ended mapping by its number.</summary>
    public bool TryFindPast(string device, ulong address, uint serial, out MappingRecord record)
    {
        for (var i = _ended - 1; i >= 0 && i >= _ended - _past.Length; i--)
        {
            record = _past[i % _past.Length];
            if (record.Serial == serial && record.Address.Value == address && record.Device == device)
                return true;
        }

        record = default;
        return false;
    }

    /// <summary>The latest ended mapping in whose memory an address lies.</summary>
    public bool TryFindPastMemory(string device, ulong memory, out MappingRecord record)
    {
        for (var i = _ended - 1; i >= 0 && i >= _ended - _past.Length; i--)
        {
            record = _past[i % _past.Length];
            if (record.Device == device && record.Memory.Value <= memory && memory - record.Memory.Value < record.Length)
                return true;
        }

        record = default;
        return false;
    }

    /// <summary>The latest ended mapping that overlaps a range.</summary>
    public bool TryFindPast(ulong first, ulong last, out MappingRecord record)
    {
        for (var i = _ended - 1; i >= 0 && i >= _ended - _past.Length; i--)
        {
            record = _past[i % _past.Length];
            if (record.Overlaps(first, last))
                return true;
        }

        record = default;
        return false;
    }

    /// <summary>The ended mappings that share a page with a range, the latest first.</summary>
    public List<MappingRecord> PastOf(ulong first, ulong last, int limit)
    {
        var found = new List<MappingRecord>();
        for (var i = _ended - 1; i >= 0 && i >= _ended - _past.Length && found.Count < limit; i--)
        {
            ref var record = ref _past[i % _past.Length];
            if (record.Address.Value >> PageIndex.Shift <= last >> PageIndex.Shift
                && first >> PageIndex.Shift <= record.Last >> PageIndex.Shift)
                found.Add(record);
        }

        return found;
    }

    /// <summary>The live mapping that holds a device address: the latest one where there are several.</summary>
    public LiveMapping? Find(ulong address)
    {
        foreach (var mapping in Pages.On(address))
        {
            if (mapping.Contains(address, address))
                return mapping;
        }

        return null;
    }
}
