using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Tables that lie in another region of memory than the root.</summary>
public class PageTableRegionsTests
{
    [Fact]
    public void Pages_come_and_go_in_tables_of_another_region()
    {
        var small = new MemoryRange(new PhysicalAddress(0x8000_0000), 16 << 10); // the root takes all of it
        var large = new MemoryRange(new PhysicalAddress(0x9000_0000), 1 << 20);
        using var memory = new PhysicalMemory(small, large);
        using var table = new PageTable<OmapFormat>(default, new TableAllocator(new PageAllocator(memory)));
        Assert.Equal(small.Start, table.Root);

        var gather = default(InvalidationGather);
        for (var i = 0; i < 1024; i++)
            Assert.Equal(Status.Ok,
                table.Map(Page(i), new PhysicalAddress(0x9008_0000 + ((ulong)(i & 1) << 13)), 4096, Protection.ReadWrite, ref gather));
        Assert.Equal((5, (16 << 10) + (4 << 10)), table.CountTables());
        Assert.Equal(Status.AlreadyExists, table.Map(Page(7), large.Start, 4096, Protection.ReadWrite, ref gather));

        for (var i = 0; i < 1024; i++)
        {
            Assert.Equal(Status.Ok, table.Unmap(Page(i), 4096, ref gather, out var unmapped));
            Assert.Equal(4096UL, unmapped);
        }

        table.FreeGathered(ref gather);
        Assert.Equal((1, 16 << 10), table.CountTables());
    }

    [Fact]
    public void A_root_may_lie_where_no_other_table_has_room()
    {
        var small = new MemoryRange(new PhysicalAddress(0x8000_0000), 4 << 10);
        var large = new MemoryRange(new PhysicalAddress(0x9000_0000), 1 << 20);
        using var memory = new PhysicalMemory(small, large);
        var format = new ArmLpaeFormat(new ArmLpaeOptions { PageSizes = ArmLpaeOptions.Granule64K });
        using var table = new PageTable<ArmLpaeFormat>(format, new TableAllocator(new PageAllocator(memory)));
        Assert.Equal(small.Start, table.Root);

        var gather = default(InvalidationGather);
        for (ulong page = 0; page < 4; page++)
        {
            var iova = new Iova(0x1000_0000 + (page << 16));
            Assert.Equal(Status.Ok, table.Map(iova, large.Start, 64 << 10, Protection.ReadWrite, ref gather));
            Assert.True(table.TryTranslate(iova, out var found));
            Assert.Equal(large.Start, found.Address);
            Assert.Equal(Status.Ok, table.Unmap(iova, 64 << 10, ref gather, out _));
            Assert.False(table.TryTranslate(iova, out _));
        }
    }

    private static Iova Page(int number) => new(0x1000_0000 + ((ulong)number << 12));
}
