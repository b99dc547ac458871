namespace Aperture.Core.Memory;

/// <summary>The free pages of one region of RAM as naturally aligned blocks of 2^order pages: the buddy system, with the lowest
/// block first. Not thread-safe.</summary>
public sealed class BuddyZone
{
    private readonly ulong _base; // page number that all block numbers count from, aligned to the largest block
    private readonly FrameMap[] _free; // per order the numbers of the free blocks

    /// <summary>A zone without free pages: whoever makes it frees what may be given out.</summary>
    /// <param name="range">The region.</param>
    public BuddyZone(MemoryRange range)
    {
        Range = range;
        var first = range.Start.Value / PhysicalMemory.PageSize;
        _base = first & ~((1UL << PageAllocator.MaxOrder) - 1);
        var pages = (int)((range.Last.Value / PhysicalMemory.PageSize) - _base + 1);
        _free = new FrameMap[PageAllocator.MaxOrder + 1];
        for (var order = 0; order < _free.Length; order++)
            _free[order] = new FrameMap((pages >> order) + 1);
    }

    /// <summary>The region.</summary>
    public MemoryRange Range { get; }

    /// <summary>Takes a block of 2^<paramref name="order"/> pages that ends at or below an address.</summary>
    /// <param name="order">0 to <see cref="PageAllocator.MaxOrder"/>.</param>
    /// <param name="maxAddress">The highest address that its last byte may have.</param>
    /// <param name="page">Number of its first page: the address divided by the page size.</param>
    /// <returns>False when there is none; nothing was taken then.</returns>
    public bool TryAllocate(int order, ulong maxAddress, out ulong page)
    {
        int best = -1, bestOrder = 0;
        for (var larger = order; larger < _free.Length; larger++)
        {
            var block = _free[larger].FindFrom(0);
            if (block >= 0 && (best < 0 || block << larger < best))
                (best, bestOrder) = (block << larger, larger);
        }

        page = _base + (uint)best;
        if (best < 0 || ((page + (1UL << order)) * PhysicalMemory.PageSize) - 1 > maxAddress)
            return false;

        _free[bestOrder].Remove(best >> bestOrder);
        while (bestOrder > order)
        {
            bestOrder--;
            _free[bestOrder].Add((best >> bestOrder) + 1);
        }

        return true;
    }

    /// <summary>Gives a block back, or hands a new one in.</summary>
    /// <param name="page">Number of its first page.</param>
    /// <param name="order">It has 2^order pages, and begins at a multiple of so many.</param>
    public void Free(ulong page, int order)
    {
        var block = (int)(page - _base) >> order;
        while (order < PageAllocator.MaxOrder && _free[order].Contains(block ^ 1))
        {
            _free[order].Remove(block ^ 1);
            block >>= 1;
            order++;
        }

        _free[order].Add(block);
    }

    /// <summary>What is left, as far as whole blocks end at or below an address.</summary>
    /// <param name="maxAddress">The highest address that counts.</param>
    public MemoryRoom Measure(ulong maxAddress)
    {
        var room = default(MemoryRoom);
        for (var order = 0; order < _free.Length; order++)
        {
            var bytes = (ulong)PhysicalMemory.PageSize << order;
            for (var block = _free[order].FindFrom(0); block >= 0; block = _free[order].FindFrom(block + 1))
            {
                var first = (_base + ((ulong)block << order)) * PhysicalMemory.PageSize;
                if (first > maxAddress)
                    break;
                // Of a block that runs past the address its first half, or quarter, can be taken.
                var below = maxAddress - first + 1;
                room = room.With(below >= bytes || below == 0 ? new MemoryRoom(bytes, bytes)
                    : new MemoryRoom(below & ~(ulong)(PhysicalMemory.PageSize - 1), PiecesOf(below)));
            }
        }

        return room;
    }

    private static ulong PiecesOf(ulong bytes) =>
        bytes < PhysicalMemory.PageSize ? 0 : 1UL << System.Numerics.BitOperations.Log2(bytes);

    /// <summary>Whether any page of a block is free: it was not allocated, or was freed before.</summary>
    public bool IsAnyFree(ulong page, int order)
    {
        var first = (int)(page - _base);
        for (var larger = order; larger < _free.Length; larger++)
        {
            if (_free[larger].Contains(first >> larger))
                return true;
        }

        for (var smaller = 0; smaller < order; smaller++)
        {
            var found = _free[smaller].FindFrom(first >> smaller);
            if (found >= 0 && found << smaller < first + (1 << order))
                return true;
        }

        return false;
    }
}
