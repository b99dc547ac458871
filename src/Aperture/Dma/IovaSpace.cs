using System.Numerics;
using Aperture.Core;

namespace Aperture.Dma;

/// <summary>The device addresses of one address space below 4 GiB: a bitmap of pages. Ranges are aligned to their size rounded
/// up to a power of two, so that large pages fit. Page zero is never given out.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class IovaSpace
{
    private readonly Lock _lock = new();
    private readonly ulong[] _used;   // one bit a page, set while it is taken
    private readonly int _pageShift;
    private readonly ulong _pages;    // how many pages the space has
    private int _hint;                // word where the last search ended

    /// <summary>An empty space.</summary>
    /// <param name="pageSize">The smallest page, a power of two of at least 4096 bytes.</param>
    /// <param name="end">The highest device address; what lies above 4 GiB is not used.</param>
    public IovaSpace(ulong pageSize, Iova end)
    {
        if (pageSize < 4096 || !BitOperations.IsPow2(pageSize))
            throw new ApertureException(Status.InvalidArgument, $"0x{pageSize:x} is no page size for device addresses");
        _pageShift = BitOperations.TrailingZeroCount(pageSize);
        _pages = (Math.Min(end.Value, uint.MaxValue) >> _pageShift) + 1;
        _used = new ulong[(_pages + 63) / 64];
        if (_pages % 64 != 0)
            _used[^1] = ulong.MaxValue << (int)(_pages % 64);
        Mark(0, 1, true);
    }

    /// <summary>Bytes given out or reserved, page zero included.</summary>
    public ulong UsedBytes { get; private set; }

    /// <summary>How scattered the free addresses are, from 0 to 1: the part of them that lies in no free block of 512 pages.</summary>
    public double Fragmentation
    {
        get
        {
            lock (_lock)
            {
                var free = (_pages << _pageShift) - UsedBytes;
                ulong whole = 0;
                for (ulong page = 0; page + 512 <= _pages; page += 512)
                    whole += IsFree(page, 512) ? 512UL << _pageShift : 0;
                return free == 0 ? 0 : (free - whole) / (double)free;
            }
        }
    }

    /// <summary>Keeps a range from being given out. Pages taken already stay taken.</summary>
    public void Reserve(Iova start, ulong bytes)
    {
        if (bytes == 0)
            return;
        lock (_lock)
        {
            // A range that runs past the end of the address space is reserved up to there.
            var lastByte = bytes - 1 > ulong.MaxValue - start.Value ? ulong.MaxValue : start.Value + (bytes - 1);
            var last = Math.Min(lastByte >> _pageShift, _pages - 1);
            for (var page = start.Value >> _pageShift; page <= last; page++)
            {
                if ((_used[page >> 6] & (1UL << (int)(page & 63))) == 0)
                    Mark(page, 1, true);
            }
        }
    }

    /// <summary>Takes a range.</summary>
    /// <param name="bytes">Bytes, rounded up to whole pages; at least 1.</param>
    /// <param name="limit">The highest address that the last byte may have.</param>
    /// <param name="start">The first byte, aligned to the size rounded up to a power of two.</param>
    /// <returns>False when no such range is free.</returns>
    public bool TryAllocate(ulong bytes, Iova limit, out Iova start)
    {
        start = default;
        var pages = Pages(bytes);
        var end = limit.Value >> _pageShift >= _pages ? _pages : (limit.Value + 1) >> _pageShift;
        if (pages == 0 || pages > end)
            return false;
        lock (_lock)
        {
            if (!Find(pages, end, out var page))
                return false;
            Mark(page, pages, true);
            start = new Iova(page << _pageShift);
            return true;
        }
    }

    /// <summary>Takes a given range.</summary>
    /// <param name="start">The first byte, at a page.</param>
    /// <param name="bytes">Bytes, rounded up to whole pages; at least 1.</param>
    /// <returns>False when a page of it is taken, or it is not in the space.</returns>
    public bool TryTake(Iova start, ulong bytes)
    {
        var page = start.Value >> _pageShift;
        var pages = Pages(bytes);
        lock (_lock)
        {
            if (page == 0 || pages == 0 || pages > _pages || page > _pages - pages)
                return false;
            for (ulong i = 0; i < pages; i++)
            {
                if (IsTaken(page + i, 1))
                    return false;
            }

            Mark(page, pages, true);
            return true;
        }
    }

    /// <summary>Gives a range back.</summary>
    /// <param name="start">What <see cref="TryAllocate"/> gave.</param>
    /// <param name="bytes">What it was asked for.</param>
    /// <exception cref="ApertureException">The range is not taken as a whole.</exception>
    public void Free(Iova start, ulong bytes)
    {
        var page = start.Value >> _pageShift;
        var pages = Pages(bytes);
        lock (_lock)
        {
            if (page == 0 || pages == 0 || pages > _pages || page > _pages - pages || !IsTaken(page, pages))
                throw new ApertureException(Status.InvalidArgument, $"0x{bytes:x} bytes at device address {start} are not taken and cannot be freed");
            Mark(page, pages, false);
        }
    }

    private ulong Pages(ulong bytes) => (bytes >> _pageShift) + ((bytes & ((1UL << _pageShift) - 1)) != 0 ? 1UL : 0);

    private bool Find(ulong pages, ulong end, out ulong page)
    {
        var aligned = BitOperations.RoundUpToPowerOf2(pages);
        var words = (int)((end + 63) / 64);
        var from = Math.Min(_hint, words - 1);
        return Find(pages, aligned, from, words, end, out page) || Find(pages, aligned, 0, from + 1, end, out page);
    }

    private bool Find(ulong pages, ulong aligned, int from, int to, ulong end, out ulong page)
    {
        if (aligned >= 64)
        {
            var step = (int)(aligned / 64);
            for (var word = from / step * step; word < to; word += step)
            {
                page = (ulong)word * 64;
                if (page + pages <= end && IsFree(page, pages))
                {
                    _hint = word;
                    return true;
                }
            }

            page = 0;
            return false;
        }

        var positions = Positions((int)aligned);
        for (var word = from; word < to; word++)
        {
            // A bit of "runs" stays set where it and the pages - 1 bits above are free.
            var runs = ~_used[word];
            var left = (int)pages - 1;
            for (var shift = 1; left > 0 && runs != 0; shift <<= 1)
            {
                var by = Math.Min(shift, left);
                runs &= runs >> by;
                left -= by;
            }

            runs &= positions;
            if (runs == 0)
                continue;
            page = ((ulong)word * 64) + (ulong)BitOperations.TrailingZeroCount(runs);
            if (page + pages > end)
                break;
            _hint = word;
            return true;
        }

        page = 0;
        return false;
    }

    /// <summary>Bits at every multiple of <paramref name="aligned"/>.</summary>
    private static ulong Positions(int aligned) => aligned == 64 ? 1 : ulong.MaxValue / ((1UL << aligned) - 1);

    private bool IsFree(ulong page, ulong pages)
    {
        for (var word = page >> 6; word < (page + pages) >> 6; word++)
        {
            if (_used[word] != 0)
                return false;
        }

        var rest = (int)(pages & 63);
        return rest == 0 || (_used[(page + pages) >> 6] & ((1UL << rest) - 1)) == 0;
    }

    private bool IsTaken(ulong page, ulong pages)
    {
        for (; pages > 0; page++, pages--)
        {
            if ((_used[page >> 6] & (1UL << (int)(page & 63))) == 0)
                return false;
        }

        return true;
    }

    private void Mark(ulong page, ulong pages, bool taken)
    {
        UsedBytes = taken ? UsedBytes + (pages << _pageShift) : UsedBytes - (pages << _pageShift);
        while (pages > 0)
        {
            var bit = (int)(page & 63);
            var count = (int)Math.Min(pages, (ulong)(64 - bit));
            var mask = (count == 64 ? ulong.MaxValue : (1UL << count) - 1) << bit;
            if (taken)
                _used[page >> 6] |= mask;
            else
                _used[page >> 6] &= ~mask;
            page += (ulong)count;
            pages -= (ulong)count;
        }
    }
}
