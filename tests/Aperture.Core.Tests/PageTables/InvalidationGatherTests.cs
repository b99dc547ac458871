using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

public class InvalidationGatherTests
{
    private const ulong Page = 4096;
    private const ulong TopPage = 0xFFFF_FFFF_FFFF_F000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_last_page_of_a_64_bit_space_was_lost_when_ranges_were_merged(bool topFirst)
    {
        var gather = default(InvalidationGather);
        for (var i = 0UL; i < 10; i++)
            gather.Add(new Iova(TopPage - ((topFirst ? i : 9 - i) * 2 * Page)), Page, 12);
        for (var i = 0UL; i < 10; i++)
            Assert.True(Covers(gather, TopPage - (i * 2 * Page), Page));
    }

    [Fact]
    public void Ten_single_pages_from_the_top_of_an_amd_table_down_are_all_gathered()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(6), machine.Tables);
        var gather = default(InvalidationGather);
        for (var i = 0UL; i < 10; i++)
            Assert.Equal(Status.Ok,
                table.Map(new Iova(TopPage - (i * Page)), new PhysicalAddress(i * Page), Page, Protection.ReadWrite, ref gather));
        table.FreeGathered(ref gather);
        gather.ClearRanges();
        for (var i = 0UL; i < 10; i++)
        {
            Assert.Equal(Status.Ok, table.Unmap(new Iova(TopPage - (i * Page)), Page, ref gather, out var unmapped));
            Assert.Equal(Page, unmapped);
        }

        for (var i = 0UL; i < 10; i++)
            Assert.True(Covers(gather, TopPage - (i * Page), Page));
        table.FreeGathered(ref gather);
    }

    [Fact]
    public void A_range_at_the_top_is_not_continued_by_one_at_zero()
    {
        var gather = default(InvalidationGather);
        gather.Add(new Iova(TopPage), Page, 12);
        gather.Add(default, Page, 12);
        Assert.Equal([new GatheredRange(new Iova(TopPage), Page, 12), new GatheredRange(default(Iova), Page, 12)], gather.AsSpan()
            .ToArray());
    }

    /// <summary>A unit steps over a joined range by one page size: small pages behind large ones would stay, and the other way round be
    /// told one by one.</summary>
    [Theory]
    [InlineData(20, 12)]
    [InlineData(12, 20)]
    public void Pages_of_two_sizes_that_follow_each_other_are_two_ranges(int first, int second)
    {
        var gather = default(InvalidationGather);
        gather.Add(new Iova(0x4000_0000), 1UL << first, first);
        gather.Add(new Iova(0x4000_0000 + (1UL << first)), 1UL << second, second);
        gather.Add(new Iova(0x4000_0000 + (1UL << first) + (1UL << second)), 1UL << second, second);
        Assert.Equal(
            [
                new GatheredRange(new Iova(0x4000_0000), 1UL << first, first),
                new GatheredRange(new Iova(0x4000_0000 + (1UL << first)), 2UL << second, second),
            ],
            gather.AsSpan().ToArray());
    }

    [Fact]
    public void Beyond_its_places_the_smallest_page_size_is_kept()
    {
        for (var small = 0; small <= InvalidationGather.Capacity; small++)
        {
            var gather = default(InvalidationGather);
            for (var i = 0; i <= InvalidationGather.Capacity; i++)
                gather.Add(new Iova((ulong)i << 30), i == small ? Page : 1 << 20, i == small ? 12 : 20);
            var all = Assert.Single(gather.AsSpan().ToArray());
            Assert.Equal((0UL, 12), (all.Start.Value, all.PageShift));
            Assert.Equal(((ulong)InvalidationGather.Capacity << 30) + (small == InvalidationGather.Capacity ? Page : 1UL << 20) - 1,
                all.Last.Value);
        }
    }

    [Fact]
    public void The_whole_space_is_one_range()
    {
        var range = new GatheredRange(default, 0, 12);
        Assert.Equal((ulong.MaxValue, 0UL, 1UL << 52), (range.Last.Value, range.Length, range.Pages));
    }

    private static bool Covers(in InvalidationGather gather, ulong first, ulong bytes)
    {
        foreach (var range in gather.AsSpan())
        {
            if (range.Start.Value <= first && first + (bytes - 1) <= range.Last.Value)
                return true;
        }

        return false;
    }
}
