using System.Numerics;

namespace Aperture.Core.Memory;

/// <summary>Gives out the RAM of a machine in naturally aligned blocks of 2^order pages, lowest address first, so that the same
/// calls give the same addresses in every run. Thread-safe.</summary>
public sealed partial class PageAllocator
{
    /// <summary>The largest order: 2^18 pages are 1 GiB.</summary>
    public const int MaxOrder = 18;

    private readonly Lock _lock = new(); // guards everything below
    private readonly BuddyZone[] _zones; // one per region of RAM, lowest first
    private ulong _freePages; // pages that can be given out
    private long _failAt; // allocations until the one that fails; 0: none will

    /// <summary>Takes over the RAM, except what is reserved.</summary>
    /// <param name="memory">The RAM.</param>
    /// <param name="reserved">What must not be given out; regions may overlap.</param>
    /// <exception cref="ApertureException">A reserved region is empty, runs past the end of the address space, or is said to be
    /// mapped but does not lie in RAM.</exception>
    public PageAllocator(PhysicalMemory memory, params ReadOnlySpan<ReservedRegion> reserved)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Memory = memory;
        _zones = [.. memory.Regions.Select(range => new BuddyZone(range))];
        foreach (var region in reserved)
            Check(region);
        foreach (var zone in _zones)
            AddFree(zone, reserved);
        TotalPages = _freePages;
    }

    /// <summary>The memory that is given out.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>Pages that are managed: all that are not reserved.</summary>
    public ulong TotalPages { get; }

    /// <summary>Pages that are free.</summary>
    public ulong FreePages
    {
        get
        {
            lock (_lock)
                return _freePages;
        }
    }

    /// <summary>Pages that were given out.</summary>
    public ulong UsedPages => TotalPages - FreePages;

    /// <summary>For tests: how many allocations from now the one comes that fails, 1 being the next; 0 to let none fail. Areas count
    /// too.</summary>
    public long FailAllocation
    {
        get
        {
            lock (_lock)
                return _failAt;
        }

        set
        {
            lock (_lock)
                _failAt = value;
        }
    }

    /// <summary>What is left up to an address, for messages.</summary>
    /// <param name="maxAddress">The highest address that counts.</param>
    public MemoryRoom Measure(PhysicalAddress maxAddress)
    {
        var room = default(MemoryRoom);
        lock (_lock)
        {
            foreach (var zone in _zones)
                room = room.With(zone.Measure(maxAddress.Value));
        }

        return room;
    }

    /// <summary>Takes a block of 2^<paramref name="order"/> pages. Its contents are what they were.</summary>
    /// <param name="order">0 to <see cref="MaxOrder"/>; anything else finds nothing.</param>
    /// <param name="maxAddress">The highest address that the last byte may have.</param>
    /// <param name="block">The first byte, aligned to the size of the block.</param>
    /// <returns>False when there is no such block.</returns>
    public bool TryAllocate(int order, PhysicalAddress maxAddress, out PhysicalAddress block)
    {
        block = default;
        if (order is < 0 or > MaxOrder)
            return false;
        lock (_lock)
        {
            if (MustFail())
                return false;
            foreach (var zone in _zones)
            {
                if (!zone.TryAllocate(order, maxAddress.Value, out var page))
                    continue;
                _freePages -= 1UL << order;
                block = new PhysicalAddress(page * PhysicalMemory.PageSize);
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives a block back.</summary>
    /// <exception cref="ApertureException">It is no block of this order in RAM, or a page of it is free already.</exception>
    public void Free(PhysicalAddress block, int order)
    {
        var zone = order is < 0 or > MaxOrder ? null : FindZone(block, (ulong)PhysicalMemory.PageSize << order);
        if (zone is null || !block.IsAligned((ulong)PhysicalMemory.PageSize << order))
            throw new ApertureException(Status.InvalidArgument, $"{block} is not a block of order {order} in RAM and cannot be freed");
        lock (_lock)
        {
            if (zone.IsAnyFree(block.Value / PhysicalMemory.PageSize, order))
                throw new ApertureException(Status.InvalidArgument, $"the block of order {order} at {block} is free already");
            zone.Free(block.Value / PhysicalMemory.PageSize, order);
            _freePages += 1UL << order;
        }
    }

    /// <summary>The smallest order whose blocks hold so many bytes.</summary>
    public static int OrderOf(ulong bytes) =>
        bytes <= PhysicalMemory.PageSize ? 0 : BitOperations.Log2((bytes - 1) / PhysicalMemory.PageSize) + 1;

    private BuddyZone? FindZone(PhysicalAddress address, ulong length)
    {
        foreach (var zone in _zones)
        {
            if (zone.Range.Contains(address, length))
                return zone;
        }

        return null;
    }

    private bool MustFail() => _failAt > 0 && --_failAt == 0;

    private void Check(ReservedRegion region)
    {
        var range = region.Range;
        if (range.Length == 0 || range.Last < range.Start)
            throw new ApertureException(Status.InvalidArgument,
                $"reserved region '{region.Name}' at {range.Start} of 0x{range.Length:x} bytes is empty "
                + "or runs past the end of the address space");
        if (region.IsMapped && FindZone(range.Start, range.Length) is null)
            throw new ApertureException(Status.BadAddress, $"reserved region '{region.Name}' {range} does not lie in RAM");
    }

    private void AddFree(BuddyZone zone, ReadOnlySpan<ReservedRegion> reserved)
    {
        var page = zone.Range.Start.Value / PhysicalMemory.PageSize;
        var end = (zone.Range.Last.Value / PhysicalMemory.PageSize) + 1;
        while (page < end)
        {
            var stop = end;
            var skipTo = page;
            foreach (var region in reserved)
            {
                var first = region.Range.Start.Value / PhysicalMemory.PageSize;
                var behind = (region.Range.Last.Value / PhysicalMemory.PageSize) + 1;
                if (first <= page && page < behind)
                    skipTo = Math.Max(skipTo, behind);
                else if (first > page)
                    stop = Math.Min(stop, first);
            }

            if (skipTo > page)
            {
                page = skipTo;
                continue;
            }

            AddRun(zone, page, stop);
            page = stop;
        }
    }

    private void AddRun(BuddyZone zone, ulong page, ulong end)
    {
        _freePages += end - page;
        while (page < end)
        {
            var order = Math.Min(MaxOrder, Math.Min(BitOperations.TrailingZeroCount(page), BitOperations.Log2(end - page)));
            zone.Free(page, order);
            page += 1UL << order;
        }
    }
}
