namespace Aperture.Dma.Sanitizer;

/// <summary>One device address space: what is mapped there, and what was.</summary>
internal sealed class SpaceWatch(object key, int history)
{
    private readonly MappingRecord[] _past = new MappingRecord[history]; // a ring of ended mappings
    private long _ended;                                                 // how many ended so far

    /// <summary>The domain, or the device without one.</summary>
    public object Key { get; } = key;

    /// <summary>The live mappings by device address.</summary>
    public PageIndex Pages { get; } = new();

    /// <summary>Whether there are mappings that were not remembered.</summary>
    public bool IsPartial { get; set; }

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
