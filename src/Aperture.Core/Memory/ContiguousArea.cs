namespace Aperture.Core.Memory;

/// <summary>A named range of RAM from which contiguous pages are taken, any number at once, at the lowest place that fits.
/// Thread-safe.</summary>
public sealed class ContiguousArea
{
    private readonly PageAllocator _owner; // counts allocations for failure injection
    private readonly Lock _lock = new(); // guards the map and the count
    private readonly FrameMap _free; // page numbers within the area
    private readonly FrameMap _used; // the other pages: finds where a free run ends
    private readonly int _pages;
    private int _freePages;

    internal ContiguousArea(PageAllocator owner, string name, MemoryRange range)
    {
        _owner = owner;
        Name = name;
        Range = range;
        _pages = (int)(range.Length / PhysicalMemory.PageSize);
        _freePages = _pages;
        _free = new FrameMap(_pages);
        _used = new FrameMap(_pages);
        for (var page = 0; page < _pages; page++)
            _free.Add(page);
    }

    /// <summary>What messages call it.</summary>
    public string Name { get; }

    /// <summary>The memory.</summary>
    public MemoryRange Range { get; }

    /// <summary>Pages that are free.</summary>
    public int FreePages
    {
        get
        {
            lock (_lock)
                return _freePages;
        }
    }

    /// <summary>Takes <paramref name="pages"/> contiguous pages. Their contents are what they were.</summary>
    /// <param name="pages">At least one.</param>
    /// <param name="alignment">Of the first byte: a power of two, at least a page.</param>
    /// <param name="maxAddress">The highest address that the last byte may have.</param>
    /// <param name="start">The first byte.</param>
    /// <returns>False when there is no such run.</returns>
    public bool TryAllocate(int pages, ulong alignment, PhysicalAddress maxAddress, out PhysicalAddress start)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pages);
        if (alignment < PhysicalMemory.PageSize || (alignment & (alignment - 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "not a power of two of at least a page");
        start = default;
        if (_owner.MustFailArea())
            return false;
        lock (_lock)
        {
            var from = _free.FindFrom(0);
            while (from >= 0)
            {
                start = (Range.Start + ((ulong)from * PhysicalMemory.PageSize)).AlignUp(alignment);
                var first = (start - Range.Start) / PhysicalMemory.PageSize;
                if (start < Range.Start || first + (ulong)pages > (ulong)_pages
                    || (start + ((ulong)pages * PhysicalMemory.PageSize) - 1) > maxAddress)
                    break;
                var blocked = _used.FindFrom((int)first);
                if (blocked < 0 || blocked >= (int)first + pages)
                {
                    Take((int)first, pages);
                    return true;
                }

                from = _free.FindFrom(blocked);
            }
        }

        start = default;
        return false;
    }

    /// <summary>What is left up to an address, for messages.</summary>
    /// <param name="maxAddress">The highest address that counts.</param>
    public MemoryRoom Measure(PhysicalAddress maxAddress)
    {
        if (maxAddress < Range.Start)
            return default;
        var end = (int)Math.Min((ulong)_pages, (maxAddress - Range.Start + 1) / PhysicalMemory.PageSize);
        var room = default(MemoryRoom);
        lock (_lock)
        {
            for (var from = _free.FindFrom(0); from >= 0 && from < end;)
            {
                var behind = _used.FindFrom(from);
                behind = behind < 0 ? end : Math.Min(behind, end);
                var bytes = (ulong)(behind - from) * PhysicalMemory.PageSize;
                room = room.With(new MemoryRoom(bytes, bytes));
                from = _free.FindFrom(behind);
            }
        }

        return room;
    }

    /// <summary>Gives pages back: all that were taken together, or a part of them.</summary>
    /// <exception cref="ApertureException">The pages do not lie in the area, or one of them is free already.</exception>
    public void Free(PhysicalAddress start, int pages)
    {
        if (pages <= 0 || !start.IsAligned(PhysicalMemory.PageSize) || !Range.Contains(start, (ulong)pages * PhysicalMemory.PageSize))
            throw new ApertureException(Status.InvalidArgument, $"{pages} pages at {start} do not lie in contiguous area '{Name}' {Range}");
        var first = (int)((start - Range.Start) / PhysicalMemory.PageSize);
        lock (_lock)
        {
            var free = _free.FindFrom(first);
            if (free >= 0 && free < first + pages)
                throw new ApertureException(Status.InvalidArgument,
                    $"page {Range.Start + ((ulong)free * PhysicalMemory.PageSize)} of contiguous area '{Name}' is free already");
            for (var page = first; page < first + pages; page++)
            {
                _used.Remove(page);
                _free.Add(page);
            }

            _freePages += pages;
        }
    }

    private void Take(int first, int pages)
    {
        for (var page = first; page < first + pages; page++)
        {
            _free.Remove(page);
            _used.Add(page);
        }

        _freePages -= pages;
    }
}
