using Aperture.Core.Memory;

namespace Aperture.Core.Tests.Memory;

public sealed class TableAllocatorTests : IDisposable
{
    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(0xFFFE_0000), 0x4_0000));
    private readonly PageAllocator _pages;
    private readonly TableAllocator _tables;

    public TableAllocatorTests()
    {
        _pages = new PageAllocator(_memory);
        _tables = new TableAllocator(_pages);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Tables_are_zero_aligned_and_do_not_overlap()
    {
        var random = new Random(1);
        var held = new List<(PhysicalAddress Table, int Bytes)>();
        for (var i = 0; i < 5_000; i++)
        {
            var bytes = 1024 << random.Next(7);
            if (random.Next(2) == 0 && _tables.TryAllocate(bytes, bytes, 33, out var table))
            {
                Assert.True(table.IsAligned((ulong)bytes));
                Assert.False(_memory.Span(table, bytes).ContainsAnyExcept((byte)0));
                _memory.Span(table, bytes).Fill(0xFF);
                held.Add((table, bytes));
            }
            else if (held.Count > 0)
            {
                var (freed, size) = held[random.Next(held.Count)];
                held.Remove((freed, size));
                Assert.False(_memory.Span(freed, size).ContainsAnyExcept((byte)0xFF));
                _tables.Free(freed, size);
            }

            Assert.Equal(held.Sum(table => (long)table.Bytes), _tables.BytesInUse);
        }
    }

    [Fact]
    public void The_address_limit_holds()
    {
        while (_tables.TryAllocate(1024, 1024, 32, out var table))
            Assert.True(table.Value < 0x1_0000_0000);
        Assert.True(_tables.TryAllocate(1024, 1024, 33, out var high));
        _tables.Free(high, 1024);
        Assert.False(_tables.TryAllocate(1024, 1024, 32, out _));
    }

    [Fact]
    public void Whole_pages_go_back()
    {
        var tables = new List<PhysicalAddress>();
        for (var i = 0; i < 64 && _tables.TryAllocate(1024, 1024, 33, out var table); i++)
            tables.Add(table);
        Assert.Equal(16UL, _pages.UsedPages);
        foreach (var table in tables)
            _tables.Free(table, 1024);
        Assert.True(_pages.UsedPages <= 1, "all but the page of the spare table");
        Assert.Equal(0, _tables.BytesInUse);
    }

    [Fact]
    public void The_nth_allocation_fails_once()
    {
        Assert.True(_tables.TryAllocate(1024, 1024, 33, out var spare));
        _tables.Free(spare, 1024);
        _tables.FailAllocation = 2;
        Assert.True(_tables.TryAllocate(1024, 1024, 33, out _));
        Assert.False(_tables.TryAllocate(16384, 16384, 33, out _));
        Assert.True(_tables.TryAllocate(16384, 16384, 33, out _));
    }

    [Fact]
    public void The_hook_sees_every_clean()
    {
        var seen = new List<(ulong, int)>();
        _tables.Cleaned = (start, bytes) => seen.Add((start.Value, bytes));
        _tables.Clean(new PhysicalAddress(0xFFFE_0040), 64);
        Assert.Equal((0xFFFE_0040UL, 64), Assert.Single(seen));
    }
}
