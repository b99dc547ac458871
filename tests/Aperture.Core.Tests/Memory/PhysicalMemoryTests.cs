using Aperture.Core.Memory;

namespace Aperture.Core.Tests.Memory;

public sealed class PhysicalMemoryTests
{
    private const ulong MiB = 1 << 20;

    /// <summary>A5: each bank was a region for itself, and whoever reached over the joint was told that there is no RAM.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Adjoining_banks_are_one_region(bool hasCaches)
    {
        using var memory = Make(hasCaches, Range(0x8010_0000, MiB), Range(0x8020_0000, MiB), Range(0x8000_0000, MiB),
            Range(0x9000_0000, MiB));
        Assert.Equal([Range(0x8000_0000, 3 * MiB), Range(0x9000_0000, MiB)], memory.Regions);
        Assert.True(memory.Contains(new(0x800F_FFF8), 16));
        Assert.True(memory.Contains(new(0x8000_0000), 3 * MiB));
        Assert.False(memory.Contains(new(0x802F_FFF8), 16));
        memory.Span(new(0x800F_FFFC), 8).Fill(0x5A);
        memory.Cache?.Clean(new(0x800F_FFFC), 8);
        Assert.Equal(0x5A, memory.DramSpan(new(0x8010_0000), 4)[3]);
        Assert.Equal(0x5A, memory.DramSpan(new(0x800F_FFFC), 4)[0]);
    }

    [Fact]
    public void The_highest_bank_may_end_with_the_address_space()
    {
        using var memory = Make(false, Range(0xFFFF_FFFF_FFF0_0000, MiB), Range(0, MiB), Range(0xFFFF_FFFF_FFE0_0000, MiB));
        Assert.Equal([Range(0, MiB), Range(0xFFFF_FFFF_FFE0_0000, 2 * MiB)], memory.Regions);
        Assert.True(memory.Contains(new(0xFFFF_FFFF_FFEF_FFFF), MiB + 1));
        Assert.False(memory.Contains(new(0xFFFF_FFFF_FFEF_FFFF), MiB + 2));
        Assert.True(memory.Overlaps(Range(0xFFFF_FFFF_FFFF_FFFF, 1)));
        Assert.False(memory.Overlaps(Range(MiB, MiB)));
    }

    [Fact]
    public void Banks_that_overlap_are_refused()
    {
        var error = Assert.Throws<ApertureException>(() => Make(false, Range(0x8000_0000, MiB), Range(0x800F_F000, MiB)));
        Assert.Equal(Status.InvalidArgument, error.Status);
    }

    [Fact]
    public void A_block_of_pages_may_lie_over_the_joint()
    {
        // The joint at 0x8010_0000 is in the middle of the only 4 MiB block.
        using var memory = Make(false, Range(0x8000_0000, MiB), Range(0x8010_0000, 3 * MiB));
        var pages = new PageAllocator(memory);
        Assert.True(pages.TryAllocate(PageAllocator.OrderOf(4 * MiB), new(ulong.MaxValue), out var block));
        Assert.Equal(new PhysicalAddress(0x8000_0000), block);
        pages.Free(block, PageAllocator.OrderOf(4 * MiB));
        Assert.Equal(4 * MiB / PhysicalMemory.PageSize, pages.FreePages);
    }

    [Fact]
    public void Ranges_join_where_they_meet_and_nowhere_else()
    {
        Assert.Empty(MemoryRange.Join([]));
        Assert.Equal([Range(0, 0x1000), Range(0x1001, 1)], MemoryRange.Join([Range(0x1001, 1), Range(0, 0x1000)]));
        Assert.Equal([Range(0, 0x1001)], MemoryRange.Join([Range(0x1000, 1), Range(0, 0x1000)]));
        Assert.Equal([Range(0, 0x1000), Range(0xFFF, 2)], MemoryRange.Join([Range(0, 0x1000), Range(0xFFF, 2)]));
        Assert.Equal([Range(0, 1), Range(ulong.MaxValue, 1)], MemoryRange.Join([Range(ulong.MaxValue, 1), Range(0, 1)]));
    }

    private static MemoryRange Range(ulong start, ulong length) => new(new PhysicalAddress(start), length);

    private static PhysicalMemory Make(bool hasCaches, params ReadOnlySpan<MemoryRange> banks) =>
        new(hasCaches ? new CpuCacheOptions() : null, banks);
}
