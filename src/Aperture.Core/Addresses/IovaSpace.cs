using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Aperture.Core.Addresses;

/// <summary>The device addresses of one address space, in pages. Ranges start at a multiple of their size rounded up to a power of two, so
/// that large pages fit and no range crosses a segment boundary of at least its size. Low addresses come first; page zero is never given
/// out.</summary>
/// <remarks>Thread-safe. Small ranges that come back wait in caches, as many as there are cores, each with regions of 4096 pages to itself.
/// They are given out again without a common lock; before a request fails, all caches are emptied. An empty space takes two hundred bytes,
/// one in use little more than a byte for each page of the regions that it uses.</remarks>
public sealed partial class IovaSpace
{
    private readonly Lock _lock = new();
    private readonly int _pageShift;
    private readonly ulong _offsetMask; // one less than the size of a page
    private readonly ulong _pages; // how many pages the space has
    // number of pages by first page: what is too large for a cache, or was taken at a chosen place
    private Dictionary<ulong, ulong>? _large;
    private IovaTree? _tree; // null before the first use

    /// <summary>An empty space.</summary>
    /// <param name="pageSize">The smallest page, a power of two of at least 4096 bytes.</param>
    /// <param name="end">The highest device address.</param>
    /// <exception cref="ApertureException">It is no page size.</exception>
    public IovaSpace(ulong pageSize, Iova end)
    {
        if (pageSize < 4096 || !BitOperations.IsPow2(pageSize))
            throw new ApertureException(Status.InvalidArgument, $"0x{pageSize:x} is no page size for device addresses");
        _pageShift = BitOperations.TrailingZeroCount(pageSize);
        _offsetMask = pageSize - 1;
        _pages = (end.Value >> _pageShift) + 1;
    }

    /// <summary>An empty space of several windows.</summary>
    /// <param name="pageSize">The smallest page that all windows can map, a power of two of at least 4096 bytes.</param>
    /// <param name="windows">First and last device address of each window, the lowest first; at least one.</param>
    /// <exception cref="ApertureException">It is no page size, or the windows are not in order.</exception>
    public IovaSpace(ulong pageSize, ReadOnlySpan<(Iova First, Iova Last)> windows)
        : this(pageSize, windows.IsEmpty ? throw new ApertureException(Status.InvalidArgument,
            "a space of device addresses needs a window") : windows[^1].Last) =>
        ReserveOutside(windows);

    /// <summary>Bytes given out or reserved, page zero included.</summary>
    public ulong UsedBytes
    {
        get
        {
            lock (_lock)
            {
                var pages = _tree?.TakenPages ?? 1;
                foreach (var cache in _caches)
                    pages -= cache?.Pages ?? 0;
                return pages << _pageShift;
            }
        }
    }

    /// <summary>How scattered the free addresses are, from 0 to 1: the part of them that lies in no free block of 512 pages. What waits in
    /// caches counts as used.</summary>
    public double Fragmentation
    {
        get
        {
            lock (_lock)
            {
                var free = _tree is null ? 0 : _pages - _tree.TakenPages;
                return free == 0 ? 0 : _tree!.ScatteredPages / (double)free;
            }
        }
    }

    private IovaTree Tree
    {
        get
        {
            if (_tree is null)
            {
                _leaves = new IovaLeaf?[Math.Min((_pages - 1 >> IovaLeaf.PagesShift) + 1, 512)]; // 8 GiB of pages of 4 KiB
                _tree = new IovaTree(_pages, _leaves);
            }

            return _tree;
        }
    }

    /// <summary>Keeps a range from being given out, for good. Pages taken already stay taken.</summary>
    public void Reserve(Iova start, ulong bytes)
    {
        if (bytes == 0)
            return;
        // A range that runs past the end of the address space is reserved up to there.
        var lastByte = bytes - 1 > ulong.MaxValue - start.Value ? ulong.MaxValue : start.Value + (bytes - 1);
        var first = start.Value >> _pageShift;
        var end = Math.Min((lastByte >> _pageShift) + 1, _pages);
        if (first >= end)
            return;
        lock (_lock)
        {
            HoldCaches();
            Tree.Mark(first, end - first, true);
            ReleaseCaches();
        }
    }

    /// <summary>Keeps everything from being given out that lies in none of some windows, for good.</summary>
    /// <param name="windows">First and last device address of each, the lowest first. A page that is only partly in one is outside.</param>
    /// <exception cref="ApertureException">The windows are not in order.</exception>
    public void ReserveOutside(ReadOnlySpan<(Iova First, Iova Last)> windows)
    {
        ulong from = 0;
        Iova? before = null;
        foreach (var (first, last) in windows)
        {
            if (first <= before || last < first)
                throw new ApertureException(Status.InvalidArgument,
                    $"the window of device addresses from {first} to {last} is not in order");
            before = last;
            // a window that begins in the last page has no whole one, and begin is 0
            var begin = first.Value + (unchecked(0 - first.Value) & _offsetMask);
            var end = (last.Value + 1) & ~_offsetMask; // 0 at the end of a 64-bit space
            if (begin < first.Value || (end != 0 && end <= begin))
                continue;
            Reserve(new Iova(from), begin - from);
            from = end;
            if (end == 0)
                return;
        }

        Reserve(new Iova(from), ulong.MaxValue - from);
    }

    /// <summary>Takes a range.</summary>
    /// <param name="bytes">Bytes, rounded up to whole pages; at least 1.</param>
    /// <param name="limit">The highest address that the last byte may have. Above 4 GiB what lies there comes first: the addresses below
    /// are for those who have no other.</param>
    /// <param name="start">The first byte, aligned to the size rounded up to a power of two.</param>
    /// <returns>False when no such range is free.</returns>
    public bool TryAllocate(ulong bytes, Iova limit, out Iova start) => TryAllocate(bytes, limit, true, out start);

    /// <summary>Takes a given range.</summary>
    /// <param name="start">The first byte, at a page.</param>
    /// <param name="bytes">Bytes, rounded up to whole pages; at least 1.</param>
    /// <returns>False when a page of it is taken, or it is not in the space.</returns>
    public bool TryTake(Iova start, ulong bytes)
    {
        var page = start.Value >> _pageShift;
        var pages = Pages(bytes);
        if (page == 0 || pages == 0 || pages > _pages || page > _pages - pages)
            return false;
        lock (_lock)
        {
            var isFree = Tree.IsFree(page, pages);
            if (!isFree)
            {
                HoldCaches();
                isFree = Tree.IsFree(page, pages);
                ReleaseCaches();
            }

            if (isFree)
                Take(page, pages);
            return isFree;
        }
    }

    /// <summary>Gives a range back.</summary>
    /// <param name="start">What <see cref="TryAllocate(ulong, Iova, out Iova)"/> gave, or <see cref="TryTake"/> took.</param>
    /// <param name="bytes">What it was asked for.</param>
    /// <exception cref="ApertureException">No such range is taken.</exception>
    public void Free(Iova start, ulong bytes)
    {
        var page = start.Value >> _pageShift;
        var pages = Pages(bytes);
        if ((start.Value & _offsetMask) != 0 || !(TryFreeSmall(page, pages) || TryFreeLarge(page, pages)))
            ThrowNotTaken(start, bytes);
    }

    private static void ThrowNotTaken(Iova start, ulong bytes) =>
        throw new ApertureException(Status.InvalidArgument,
            $"0x{bytes:x} bytes at device address {start} are not taken and cannot be freed");

    /// <summary>Whole pages; zero also for what no space has.</summary>
    private ulong Pages(ulong bytes) => (bytes + _offsetMask) >> _pageShift;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryFreeLarge(ulong page, ulong pages)
    {
        lock (_lock)
        {
            if (_large is not { } large || !large.TryGetValue(page, out var taken) || taken != pages)
                return false;
            large.Remove(page);
            Tree.Mark(page, pages, false);
            AssertInvariants(page, pages, isTaken: false);
            return true;
        }
    }

    private void Take(ulong page, ulong pages)
    {
        Tree.Mark(page, pages, true);
        (_large ??= []).Add(page, pages);
        AssertInvariants(page, pages, isTaken: true);
    }

    /// <summary>Asserts what holds whenever nobody is in the middle of a change, in Debug. Call it under the lock.</summary>
    /// <param name="page">The first page that changed.</param>
    /// <param name="pages">How many.</param>
    /// <param name="isTaken">Whether they are taken now, or free.</param>
    [Conditional("DEBUG")]
    private void AssertInvariants(ulong page, ulong pages, bool isTaken)
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "a space is looked at under its lock");
        Debug.Assert(Tree.TakenPages >= 1 && Tree.TakenPages <= _pages, "page zero is taken, and no page that is not there");
        Debug.Assert((ulong)(_large?.Count ?? 0) < Tree.TakenPages, "what was given out is taken");
        Debug.Assert(Tree.IsFree(page, pages) != isTaken, "pages change from free to taken, or back");
    }
}
