using System.Numerics;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;

namespace Aperture.Core.Memory;

/// <summary>Page tables from a <see cref="PageAllocator"/>: whole blocks for tables of a page and more, quarters and halves of
/// pages for smaller ones. Thread-safe; the table freed last is taken again without a lock, and by the same thread without an interlocked
/// step.</summary>
public sealed class TableAllocator : ITableMemory
{
    private const int QuartersPerPage = PhysicalMemory.PageSize / PhysicalMemory.FrameSize;
    private const int AllQuarters = (1 << QuartersPerPage) - 1;

    private readonly PageAllocator _pages; // gives and takes the pages
    private readonly Lock _lock = new(); // guards everything below except _spare
    private readonly Dictionary<ulong, int> _carved = []; // per page that was carved up: a bit for each free quarter
    private readonly List<ulong> _open = []; // the carved pages that have a free quarter
    private long _bytesInUse; // the spare table counts as in use here
    private long _failAt; // allocations until the one that fails; 0: none will
    private readonly BiasedWords _words = new(); // changes _spare
    private ulong _spare; // the smallest table that was freed last, plus one; 0: none

    /// <summary>Makes the allocator.</summary>
    public TableAllocator(PageAllocator pages)
    {
        ArgumentNullException.ThrowIfNull(pages);
        _pages = pages;
    }

    /// <inheritdoc/>
    public PhysicalMemory Memory => _pages.Memory;

    /// <summary>Is told of every range that is cleaned by page tables made from now on. Null where walkers snoop.</summary>
    public Action<PhysicalAddress, int>? Cleaned { get; set; }

    /// <inheritdoc/>
    public bool NeedsClean => Memory.Cache is not null || Cleaned is not null;

    /// <summary>Bytes of the tables in use.</summary>
    public long BytesInUse
    {
        get
        {
            lock (_lock)
                return _bytesInUse - (Volatile.Read(ref _spare) != 0 ? PhysicalMemory.FrameSize : 0);
        }
    }

    /// <summary>For tests: how many allocations from now the one comes that fails, 1 being the next; 0 to let none fail.</summary>
    public long FailAllocation
    {
        get => Volatile.Read(ref _failAt);
        set => Volatile.Write(ref _failAt, value);
    }

    /// <inheritdoc/>
    public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(addressBits, 1);
        var max = addressBits < 64 ? (1UL << addressBits) - 1 : ulong.MaxValue;
        var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(Math.Max(bytes, alignment), PhysicalMemory.FrameSize));
        if (!(size == PhysicalMemory.FrameSize && TryTakeSpare(max, out table)) && !TryAllocateSlowly(size, max, out table))
            return false;
        if (Memory.Cache is not { } cache)
        {
            Memory.Span(table, size).Clear();
            return true;
        }

        cache.Zero(table, (ulong)size);
        cache.Clean(table, (ulong)size);
        return true;
    }

    /// <inheritdoc/>
    public void Free(PhysicalAddress table, int bytes)
    {
        if (bytes <= PhysicalMemory.FrameSize && _words.TryStep(ref _spare, 0, table.Value + 1))
            return;
        lock (_lock)
        {
            if (!_carved.TryGetValue(PageOf(table), out var free))
            {
                var order = PageAllocator.OrderOf((ulong)bytes);
                _pages.Free(table, order);
                _bytesInUse -= (long)PhysicalMemory.PageSize << order;
                return;
            }

            var size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytes, PhysicalMemory.FrameSize));
            var mask = MaskOf(size) << (int)(table.Value % PhysicalMemory.PageSize / PhysicalMemory.FrameSize);
            if ((free & mask) != 0)
                throw new ApertureException(Status.InvalidArgument, $"the table of 0x{bytes:x} bytes at {table} is free already");
            _bytesInUse -= size;
            SetFree(PageOf(table), free, free | mask);
        }
    }

    /// <inheritdoc/>
    public void Clean(PhysicalAddress start, int bytes)
    {
        Memory.Cache?.Clean(start, (ulong)bytes);
        Cleaned?.Invoke(start, bytes);
    }

    private static ulong PageOf(PhysicalAddress table) => table.Value & ~(ulong)(PhysicalMemory.PageSize - 1);

    private static int MaskOf(int size) => (1 << (size / PhysicalMemory.FrameSize)) - 1;

    private bool TryTakeSpare(ulong max, out PhysicalAddress table)
    {
        table = default;
        var spare = Volatile.Read(ref _spare);
        if (Volatile.Read(ref _failAt) != 0 || spare == 0 || !_words.TryStep(ref _spare, spare, 0))
            return false;
        table = new PhysicalAddress(spare - 1);
        if (table.Value + PhysicalMemory.FrameSize - 1 <= max)
            return true;
        Free(table, PhysicalMemory.FrameSize);
        return false;
    }

    private bool TryAllocateSlowly(int size, ulong max, out PhysicalAddress table)
    {
        table = default;
        lock (_lock)
        {
            if (_failAt > 0 && --_failAt == 0)
                return false;
            if (size < PhysicalMemory.PageSize)
                return TryCarve(size, max, out table);
            var order = PageAllocator.OrderOf((ulong)size);
            if (!_pages.TryAllocate(order, new PhysicalAddress(max), out table))
                return false;
            _bytesInUse += size;
            return true;
        }
    }

    private bool TryCarve(int size, ulong max, out PhysicalAddress table)
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            if (_open[i] + PhysicalMemory.PageSize - 1 <= max && TryTakeFrom(_open[i], _carved[_open[i]], size, out table))
                return true;
        }

        if (!_pages.TryAllocate(0, new PhysicalAddress(max), out table))
            return false;
        _open.Add(table.Value);
        _carved.Add(table.Value, AllQuarters);
        return TryTakeFrom(table.Value, AllQuarters, size, out table);
    }

    private bool TryTakeFrom(ulong page, int free, int size, out PhysicalAddress table)
    {
        var mask = MaskOf(size);
        for (var quarter = 0; quarter < QuartersPerPage; quarter += size / PhysicalMemory.FrameSize)
        {
            if ((free & (mask << quarter)) != mask << quarter)
                continue;
            SetFree(page, free, free & ~(mask << quarter));
            _bytesInUse += size;
            table = new PhysicalAddress(page + (ulong)(quarter * PhysicalMemory.FrameSize));
            return true;
        }

        table = default;
        return false;
    }

    private void SetFree(ulong page, int was, int free)
    {
        if (free == AllQuarters)
        {
            _carved.Remove(page);
            _open.Remove(page);
            _pages.Free(new PhysicalAddress(page), 0);
            return;
        }

        _carved[page] = free;
        if (free == 0)
            _open.Remove(page);
        else if (was == 0)
            _open.Add(page);
    }
}
