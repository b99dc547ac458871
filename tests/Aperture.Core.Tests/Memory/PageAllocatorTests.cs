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
