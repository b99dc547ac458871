using Aperture.Core.Memory;
using Xunit.Abstractions;

namespace Aperture.Core.Tests.Memory;

public sealed class PageAllocatorTests(ITestOutputHelper output)
{
    private const ulong Page = 4096;

    private static readonly PhysicalAddress s_anywhere = new(ulong.MaxValue);

    [Fact]
    public void Lowest_address_first_and_naturally_aligned()
    {
        using var memory = new PhysicalMemory(Range(0x8000_1000, 0x10_0000));
        var pages = new PageAllocator(memory);
        Assert.Equal(0x8000_1000UL, Take(pages, 0));
        Assert.Equal(0x8000_4000UL, Take(pages, 2));
        Assert.Equal(0x8000_2000UL, Take(pages, 1));
        Assert.Equal(0x8000_8000UL, Take(pages, 0));
        Assert.Equal(8UL, pages.UsedPages);
    }

    [Fact]
    public void Reserved_pages_are_never_given_out()
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 16 * Page), Range(0x9000_0000, 16 * Page));
        var pages = new PageAllocator(
            memory,
            new ReservedRegion("a", Range(0x8000_2000, 0x1800)),
            new ReservedRegion("b", Range(0x8000_3000, Page)),
            new ReservedRegion("rom", Range(0x1000, Page), IsMapped: false));
        Assert.Equal(30UL, pages.TotalPages);
        var seen = new HashSet<ulong>();
        while (pages.TryAllocate(0, s_anywhere, out var page))
            Assert.True(seen.Add(page.Value));
        Assert.Equal(30, seen.Count);
        Assert.DoesNotContain(0x8000_2000UL, seen);
        Assert.DoesNotContain(0x8000_3000UL, seen);
    }

    /// <summary>Page 0 is taken; blocks of 1, 2, 4 and 8 pages are left behind it.</summary>
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 0, 0, 0)]
    [InlineData(2, 0, 1, 1)]
    [InlineData(4, 0, 3, 2)]
    [InlineData(8, 0, 7, 4)]
    [InlineData(8, 1, 7, 4)]    // the first byte of the last block
    [InlineData(8, 4095, 7, 4)]
    [InlineData(9, 0, 8, 4)]
    [InlineData(11, 0, 10, 4)]
    [InlineData(14, 0, 13, 4)]
    [InlineData(15, 4095, 14, 4)]
    [InlineData(16, 0, 15, 8)]
    [InlineData(100, 0, 15, 8)]
    public void What_is_left_up_to_an_address_is_told_to_the_page(ulong pages, ulong bytes, ulong free, ulong largest)
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 16 * Page));
        var allocator = new PageAllocator(memory);
        Take(allocator, 0);
        var room = allocator.Measure(new PhysicalAddress(0x8000_0000 + (pages * Page) + bytes - 1));
        Assert.Equal(new MemoryRoom(free * Page, largest * Page), room);
    }

    [Fact]
    public void What_is_left_is_that_of_all_regions()
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 2 * Page), Range(0x9000_0000, 4 * Page), Range(0xA000_0000, Page));
        var pages = new PageAllocator(memory);
        Assert.Equal(new MemoryRoom(7 * Page, 4 * Page), pages.Measure(s_anywhere));
        Assert.Equal(new MemoryRoom(6 * Page, 4 * Page), pages.Measure(new PhysicalAddress(0x9FFF_FFFF)));
        Assert.Equal(new MemoryRoom(2 * Page, 2 * Page), pages.Measure(new PhysicalAddress(0x8FFF_FFFF)));
    }

    [Fact]
    public void The_largest_block_is_given_out_and_comes_back_and_there_is_no_larger_one()
    {
        const int most = PageAllocator.MaxOrder;
        using var memory = new PhysicalMemory(Range(0x4000_0000, Page << most));
        var pages = new PageAllocator(memory);
        Assert.False(pages.TryAllocate(most + 1, s_anywhere, out _));
        Assert.False(pages.TryAllocate(-1, s_anywhere, out _));
        for (var time = 0; time < 2; time++)
        {
            Assert.Equal(0x4000_0000UL, Take(pages, most));
            Assert.Equal(0UL, pages.FreePages);
            pages.Free(new PhysicalAddress(0x4000_0000), most);
            Assert.Equal(1UL << most, pages.FreePages);
        }
    }

    /// <summary>A block of four pages of which the first, one in between or the last is free already, or all are, alone or in a larger
    /// block; and what is no block at all.</summary>
    [Fact]
    public void What_cannot_be_freed_is_named_and_nothing_happens()
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 32 * Page));
        var pages = new PageAllocator(memory);
        for (ulong free = 0; free < 4; free++)
        {
            var block = new PhysicalAddress(Take(pages, 2));
            pages.Free(block + (free * Page), 0);
            Assert.Contains("free already", Refused(block, 2), StringComparison.Ordinal);
            for (ulong page = 0; page < 4; page++)
            {
                if (page != free)
                    pages.Free(block + (page * Page), 0);
            }

            Assert.Contains("free already", Refused(block, 2), StringComparison.Ordinal);
            Assert.Contains("free already", Refused(block + Page, 0), StringComparison.Ordinal);
        }

        var taken = new PhysicalAddress(Take(pages, 2));
        Take(pages, 2);
        foreach (var (at, order) in ((PhysicalAddress, int)[])
        [
            (taken, -1), (taken, PageAllocator.MaxOrder + 1), (taken + Page, 1), (taken + 1, 0), (taken, PageAllocator.MaxOrder),
            (new PhysicalAddress(0x8000_0000 + (32 * Page)), 0), (new PhysicalAddress(0x7FFF_F000), 0),
        ])
        {
            Assert.Contains($"{at} is not a block of order {order} in RAM", Refused(at, order), StringComparison.Ordinal);
        }

        Assert.Equal(24UL, pages.FreePages);

        string Refused(PhysicalAddress at, int order)
        {
            var error = Assert.Throws<ApertureException>(() => pages.Free(at, order));
            Assert.Equal(Status.InvalidArgument, error.Status);
            return error.Message;
        }
    }

    [Fact]
    public void A_region_of_one_byte_keeps_its_page_and_one_of_none_is_refused()
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 4 * Page));
        Assert.Equal(3UL, new PageAllocator(memory, new ReservedRegion("byte", Range(0x8000_1FFF, 1))).TotalPages);
        foreach (var range in (MemoryRange[])[Range(0x8000_1000, 0), Range(ulong.MaxValue - 10, 100)])
        {
            var odd = new ReservedRegion("odd", range, IsMapped: false);
            var error = Assert.Throws<ApertureException>(() => new PageAllocator(memory, odd));
            Assert.Equal(Status.InvalidArgument, error.Status);
            Assert.Contains("'odd'", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_limit_holds_for_the_last_byte()
    {
        using var memory = new PhysicalMemory(Range(0x1_0000_0000 - (2 * Page), 4 * Page));
        var pages = new PageAllocator(memory);
        Assert.False(pages.TryAllocate(0, new PhysicalAddress(0xFFFF_EFFE), out _));
        Assert.True(pages.TryAllocate(1, new PhysicalAddress(0xFFFF_FFFF), out _));
        Assert.False(pages.TryAllocate(0, new PhysicalAddress(0xFFFF_FFFF), out _));
        Assert.True(pages.TryAllocate(1, s_anywhere, out var high));
        Assert.Equal(0x1_0000_0000UL, high.Value);
    }

    [Theory]
    [InlineData(0x7000_0000, 4096, "does not lie in RAM")]
    [InlineData(0x8000_0000, 0, "is empty")]
    [InlineData(0x8000_F000, 0x2000, "does not lie in RAM")]
    public void Impossible_reservations_are_named(ulong start, ulong length, string message)
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 16 * Page));
        var error = Assert.Throws<ApertureException>(() => new PageAllocator(memory, new ReservedRegion("vpu", Range(start, length))));
        Assert.Contains("'vpu'", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_nth_allocation_fails_once()
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 16 * Page));
        var pages = new PageAllocator(memory) { FailAllocation = 2 };
        Assert.True(pages.TryAllocate(0, s_anywhere, out _));
        Assert.False(pages.TryAllocate(0, s_anywhere, out _));
        Assert.True(pages.TryAllocate(0, s_anywhere, out _));
    }

    [Fact]
    public void What_is_free_cannot_be_freed()
    {
        using var memory = new PhysicalMemory(Range(0x8000_0000, 16 * Page));
        var pages = new PageAllocator(memory);
        Assert.True(pages.TryAllocate(1, s_anywhere, out var block));
        pages.Free(block, 1);
        Assert.Throws<ApertureException>(() => pages.Free(block, 1));
        Assert.Throws<ApertureException>(() => pages.Free(block + Page, 0));
        Assert.Throws<ApertureException>(() => pages.Free(block + Page, 1));
        Assert.Throws<ApertureException>(() => pages.Free(default, 0));
    }

    [Fact]
    public void Random_blocks_never_overlap_and_all_come_back()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var memory = new PhysicalMemory(Range(0x8000_3000, 1000 * Page), Range(0xA000_0000, 3000 * Page));
        var pages = new PageAllocator(memory);
        var held = new List<(ulong Start, int Order)>();
        var used = new HashSet<ulong>();
        for (var i = 0; i < 20_000; i++)
        {
            var order = random.Next(8);
            if (random.Next(5) < 3 && pages.TryAllocate(order, s_anywhere, out var block))
            {
                for (ulong page = 0; page < 1UL << order; page++)
                    Assert.True(used.Add(block.Value + (page * Page)));
                held.Add((block.Value, order));
            }
            else if (held.Count > 0)
            {
                var at = random.Next(held.Count);
                var (start, freed) = held[at];
                held.RemoveAt(at);
                pages.Free(new PhysicalAddress(start), freed);
                for (ulong page = 0; page < 1UL << freed; page++)
                    used.Remove(start + (page * Page));
            }

            Assert.Equal((ulong)used.Count, pages.UsedPages);
        }

        foreach (var (start, order) in held)
            pages.Free(new PhysicalAddress(start), order);
        Assert.Equal(pages.TotalPages, pages.FreePages);
        Assert.True(pages.TryAllocate(11, s_anywhere, out var large));
        Assert.Equal(0xA000_0000UL, large.Value);
    }

    private static MemoryRange Range(ulong start, ulong length) => new(new PhysicalAddress(start), length);

    private static ulong Take(PageAllocator pages, int order)
    {
        Assert.True(pages.TryAllocate(order, s_anywhere, out var block));
        return block.Value;
    }
}
