using System.Runtime.CompilerServices;
using Aperture.Core.Threading;

namespace Aperture.Core.Addresses;

// Small ranges: out of the caches, and into them.
public sealed partial class IovaSpace
{
    private IovaLeaf?[] _leaves = [];  // the short way to the leaves of the lowest pages
    private IovaCache?[] _caches = []; // none before the first small range; an entry is null before a thread with that slot came
    private IovaHomes? _homes;         // null before the first cache

    /// <summary>Takes a range.</summary>
    /// <param name="bytes">Bytes, rounded up to whole pages; at least 1.</param>
    /// <param name="limit">The highest address that the last byte may have.</param>
    /// <param name="isLast">Whether to look into the caches of others before giving up.</param>
    /// <param name="start">The first byte.</param>
    /// <returns>False when no such range is free; or, unless <paramref name="isLast"/>, perhaps in another thread's cache.</returns>
    public bool TryAllocate(ulong bytes, Iova limit, bool isLast, out Iova start)
    {
        var pages = Pages(bytes);
        if (pages <= IovaCache.LargestRange && EnterCache() is { } cache)
        {
            var page = cache.Pop((int)pages, _pageShift, limit.Value);
            cache.ExitTaken();
            if (page != 0 && Leaf(page) is { } leaf)
            {
                leaf.Range(page) = (byte)pages;
                start = new Iova(page << _pageShift);
                return true;
            }
        }

        return TryAllocateFromTree(pages, limit, isLast, out start);
    }

    /// <summary>The calling thread's cache, taken to take a range; null while there is none, or another thread uses it as its
    /// own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private unsafe IovaCache? EnterCache()
    {
        byte here;
        return _homes?.Find(&here) is { } cache && cache.TryEnterOwnToTake() ? cache : EnterCacheOfThread(&here);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe IovaCache? EnterCacheOfThread(void* local)
    {
        var thread = ThreadRecord.Current;
        var cache = Cache(thread.Slot);
        if (cache is null)
            return null;
        if (cache.TryEnterToTake(thread))
        {
            _homes?.Note(local, cache);
            return cache;
        }

        ThreadSlot.Move(thread);
        return null;
    }

    /// <summary>The leaf of a page if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IovaLeaf? Leaf(ulong page)
    {
        var leaves = _leaves;
        var index = page >> IovaLeaf.PagesShift;
        return index < (ulong)leaves.Length && leaves[(int)index] is { } leaf ? leaf : _tree?.FindLeaf(page);
    }

    /// <summary>The cache of a slot; null when there is none yet.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IovaCache? Cache(int slot)
    {
        var caches = _caches;
        return (uint)slot < (uint)caches.Length ? caches[slot] : null;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateFromTree(ulong pages, Iova limit, bool isLast, out Iova start)
    {
        start = default;
        var end = Math.Min((limit.Value >> _pageShift) + (((limit.Value & _offsetMask) + 1) >> _pageShift), _pages);
        if (pages == 0 || pages > end)
            return false;
        lock (_lock)
        {
            var cache = pages <= IovaCache.LargestRange ? CacheOf(ThreadSlot.Current) : null;
            var high = (1UL << 32) >> _pageShift; // the first page above 4 GiB
            var from = end > high ? high : 0;
            var isFound = (cache is not null && Tree.TryFind(pages, end, from, cache.Number, out var page)) || Tree.TryFind(pages, end,
                from, 0, out page);
            if (!isFound && isLast)
            {
                // Nothing comes or goes while all caches are held, so that no free range can hide.
                HoldCaches();
                isFound = Tree.TryFind(pages, end, from, 0, out page);
                ReleaseCaches();
            }

            start = new Iova(page << _pageShift);
            if (!isFound)
                return false;
            if (cache is null)
            {
                Take(page, pages);
                return true;
            }

            Tree.Mark(page, pages, true);
            AssertInvariants(page, pages, isTaken: true);
            Tree.Claim(page, cache).Range(page) = (byte)pages;
            return true;
        }
    }

    /// <summary>Gives a range back if it is a small one that was given out.</summary>
    private bool TryFreeSmall(ulong page, ulong pages)
    {
        if (pages - 1 >= IovaCache.LargestRange || Leaf(page) is not { Cache: { } cache } leaf)
            return false;
        cache.Enter();
        ref var range = ref leaf.Range(page);
        var isTaken = range == (byte)pages;
        var isKept = false;
        if (isTaken)
        {
            range = 0;
            isKept = cache.TryPush((int)pages, page);
        }

        cache.Exit();
        if (isTaken && !isKept)
            FreeInTree(page, pages);
        return isTaken;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeInTree(ulong page, ulong pages)
    {
        lock (_lock)
        {
            Tree.Mark(page, pages, false);
            AssertInvariants(page, pages, isTaken: false);
        }
    }

    private IovaCache CacheOf(int slot)
    {
        if (_caches.Length == 0)
        {
            _homes = new IovaHomes();
            _caches = new IovaCache[ThreadSlot.Count];
        }

        return _caches[slot] ??= new IovaCache((byte)(1 + (slot % byte.MaxValue)));
    }

    /// <summary>Empties all caches into the tree and keeps them from being used.</summary>
    private void HoldCaches()
    {
        foreach (var cache in _caches)
        {
            cache?.Enter();
            cache?.Empty(Tree);
        }
    }

    private void ReleaseCaches()
    {
        foreach (var cache in _caches)
            cache?.Exit();
    }
}
