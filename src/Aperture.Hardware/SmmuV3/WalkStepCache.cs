using Aperture.Hardware.Translation.Walking;

namespace Aperture.Hardware.SmmuV3;

/// <summary>What a unit keeps of its walks: the last tables, by the addresses that each serves. One that is stale stays until it is dropped
/// or replaced. Used under the unit's lock.</summary>
/// <param name="steps">How many there are at most: 0, or a power of two.</param>
internal sealed class WalkStepCache(int steps)
{
    private readonly Entry[] _entries = new Entry[Math.Max(steps, 1)];
    private int _count;

    /// <summary>Walks that began at a table that was kept, and those that did not.</summary>
    public (ulong Hits, ulong Misses) Counters { get; private set; }

    /// <summary>Finds the table that serves an address.</summary>
    /// <param name="tag">The number of the address space.</param>
    /// <param name="address">The address.</param>
    /// <param name="shift">Log2 of what one of these tables serves.</param>
    /// <param name="level">Their level.</param>
    /// <returns>The table; the default for none.</returns>
    public WalkStep Find(uint tag, ulong address, int shift, int level)
    {
        var (hits, misses) = Counters;
        ref readonly var entry = ref EntryOf(tag, address >> shift);
        if (entry.Tag == tag && entry.Region == address >> shift && entry.Shift == shift && entry.Step.Level == level)
        {
            Counters = (hits + 1, misses);
            return entry.Step;
        }

        Counters = (hits, misses + 1);
        return default;
    }

    /// <summary>Keeps a table, in place of another.</summary>
    public void Keep(uint tag, ulong address, int shift, in WalkStep step)
    {
        if (steps == 0)
            return;
        ref var entry = ref EntryOf(tag, address >> shift);
        _count += entry.Shift == 0 ? 1 : 0;
        entry = new Entry(tag, address >> shift, shift, step);
    }

    /// <summary>Drops the tables of address spaces that serve one of some addresses.</summary>
    public void Drop(uint tag, uint mask, ulong first, ulong last)
    {
        if (_count == 0)
            return;
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.Shift != 0 && ((entry.Tag ^ tag) & mask) == 0 && entry.Region >= first >> entry.Shift
                && entry.Region <= last >> entry.Shift)
                Clear(ref entry);
        }
    }

    /// <summary>Drops those of all other address spaces.</summary>
    public void DropOther(uint tag, uint mask)
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.Shift != 0 && ((entry.Tag ^ tag) & mask) != 0)
                Clear(ref entry);
        }
    }

    /// <summary>Drops all.</summary>
    public void Clear()
    {
        Array.Clear(_entries);
        _count = 0;
    }

    private void Clear(ref Entry entry)
    {
        entry = default;
        _count--;
    }

    private ref Entry EntryOf(uint tag, ulong region) => ref _entries[(int)((region ^ tag) & (uint)(_entries.Length - 1))];

    /// <param name="Tag">The number of the address space.</param>
    /// <param name="Region">The addresses that the table serves, without their low bits.</param>
    /// <param name="Shift">How many those are; 0 of an entry that holds nothing.</param>
    /// <param name="Step">The table.</param>
    private readonly record struct Entry(uint Tag, ulong Region, int Shift, WalkStep Step);
}
