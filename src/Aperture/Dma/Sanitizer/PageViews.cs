using Aperture.Core.Memory;

namespace Aperture.Dma.Sanitizer;

/// <summary>Which pages of memory the CPU has taken since they were given out. What it has not taken it cannot write.</summary>
internal sealed class PageViews(PhysicalMemory memory)
{
    private readonly (ulong First, ulong Count, long[] Bits)[] _regions =
    [
        .. memory.Regions.Select(range => (range.Start.Value >> PageIndex.Shift, range.Length >> PageIndex.Shift,
            new long[((range.Length >> PageIndex.Shift) + 63) / 64])),
    ];

    public void Mark(ulong first, ulong last) => Set(first >> PageIndex.Shift, last >> PageIndex.Shift, true);

    /// <summary>Forgets the pages that lie wholly in a range.</summary>
    public void Clear(ulong first, ulong last)
    {
        var start = (first + ((1UL << PageIndex.Shift) - 1)) >> PageIndex.Shift;
        var end = (last + 1) >> PageIndex.Shift; // behind the last
        if (start < end)
            Set(start, end - 1, false);
    }

    /// <summary>Whether a page of a range was taken, or is not memory.</summary>
    public bool IsMarked(ulong first, ulong last)
    {
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            if (!TryFind(page, out var bits, out var index) || (Volatile.Read(ref bits[index / 64]) & (1L << (int)(index % 64))) != 0)
                return true;
        }

        return false;
    }

    private void Set(ulong first, ulong last, bool isMarked)
    {
        for (var page = first; page <= last; page++)
        {
            if (!TryFind(page, out var bits, out var index))
                continue;
            var bit = 1L << (int)(index % 64);
            if ((Volatile.Read(ref bits[index / 64]) & bit) != 0 == isMarked)
                continue;
            if (isMarked)
                Interlocked.Or(ref bits[index / 64], bit);
            else
                Interlocked.And(ref bits[index / 64], ~bit);
        }
    }

    private bool TryFind(ulong page, out long[] bits, out ulong index)
    {
        foreach (var region in _regions)
        {
            index = page - region.First;
            if (index >= region.Count)
                continue;
            bits = region.Bits;
            return true;
        }

        bits = [];
        index = 0;
        return false;
    }
}
