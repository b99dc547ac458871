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

    /// <summary>From the allocator's pages, and from the one table that it keeps at hand.</summary>
    [Fact]
    public void The_last_table_below_a_limit_is_given_out()
    {
        var last = new PhysicalAddress(0xFFFF_FC00);
        var seen = new HashSet<PhysicalAddress>();
        while (_tables.TryAllocate(1024, 1024, 32, out var table))
            seen.Add(table);
        Assert.Equal(128, seen.Count);
        Assert.Contains(last, seen);
        _tables.Free(last, 1024);
        Assert.True(_tables.TryAllocate(1024, 1024, 32, out var again));
        Assert.Equal(last, again);
        Assert.True(_tables.TryAllocate(1024, 1024, 33, out var high));
        _tables.Free(high, 1024);
        Assert.False(_tables.TryAllocate(1024, 1024, 32, out _));
        Assert.True(_tables.TryAllocate(1024, 1024, 33, out again)); // it is still at hand
        Assert.Equal(high, again);
    }

    [Fact]
    public void Tables_of_whole_pages_go_back_at_once()
    {
        for (var time = 0; time < 3; time++)
        {
            Assert.True(_tables.TryAllocate(16384, 16384, 33, out var table));
            Assert.Equal((16384, 4UL), (_tables.BytesInUse, _pages.UsedPages));
            _tables.Free(table, 16384);
            Assert.Equal((0, 0UL), (_tables.BytesInUse, _pages.UsedPages));
        }
    }

    [Fact]
    public void A_table_that_is_free_is_not_freed_again()
    {
        var tables = new PhysicalAddress[3];
        for (var i = 0; i < tables.Length; i++)
            Assert.True(_tables.TryAllocate(1024, 1024, 33, out tables[i]));
        _tables.Free(tables[0], 1024); // the one at hand
        _tables.Free(tables[1], 1024);
        var error = Assert.Throws<ApertureException>(() => _tables.Free(tables[1], 1024));
        Assert.Equal(Status.InvalidArgument, error.Status);
        Assert.Contains($"{tables[1]} is free already", error.Message, StringComparison.Ordinal);
        Assert.Equal(1024, _tables.BytesInUse);
        Assert.Throws<ArgumentOutOfRangeException>(() => _tables.TryAllocate(0, 1024, 33, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => _tables.TryAllocate(1024, 1024, 0, out _));
    }

    [Fact]
    public void Who_needs_clean_tables_is_told_and_gets_zeros_in_dram()
    {
        Assert.False(_tables.NeedsClean);
        _tables.Cleaned = (_, _) => { };
        Assert.True(_tables.NeedsClean);
        using var memory = new PhysicalMemory(new CpuCacheOptions(), new MemoryRange(new PhysicalAddress(0x8000_0000), 0x1_0000));
        var tables = new TableAllocator(new PageAllocator(memory));
        Assert.True(tables.NeedsClean);
        var all = new PhysicalAddress(0x8000_0000);
        memory.Span(all, 0x1_0000).Fill(0xFF);
        memory.Cache!.Clean(all, 0x1_0000);
        for (var bytes = 1024; bytes <= 16384; bytes *= 2)
        {
            Assert.True(tables.TryAllocate(bytes, bytes, 64, out var table));
            Assert.False(memory.DramSpan(table, bytes).ContainsAnyExcept((byte)0));
            memory.Span(table, bytes).Fill(0x5A);
            tables.Clean(table, bytes);
            Assert.False(memory.DramSpan(table, bytes).ContainsAnyExcept((byte)0x5A));
        }
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
