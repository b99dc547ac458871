using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

public sealed class AmdV1FormatTests
{
    private static readonly AmdV1Format s_format = new(3);

    [Theory]
    [InlineData(5, 12, 0x5_4000_9000, Protection.ReadWrite, 0x7000_0005_4000_9001)]
    [InlineData(5, 12, 0x5_4000_3000, Protection.Read, 0x3000_0005_4000_3001)]
    [InlineData(5, 12, 0x5_4000_6000, Protection.Write, 0x5000_0005_4000_6001)]
    [InlineData(5, 16, 0x5_4001_0000, Protection.ReadWrite, 0x7000_0005_4001_7E01)]
    [InlineData(5, 13, 0x5_4001_0000, Protection.ReadWrite, 0x7000_0005_4001_0E01)]
    [InlineData(4, 21, 0x5_4040_0000, Protection.ReadWrite, 0x7000_0005_4040_0001)]
    [InlineData(4, 22, 0x5_4080_0000, Protection.ReadWrite, 0x7000_0005_409F_FE01)]
    public void Leaves_are_the_recorded_words(int level, int shift, ulong page, Protection protection, ulong entry)
    {
        Assert.Equal(level, s_format.LevelOfPage(shift));
        Assert.Equal(entry, s_format.MakeLeaf(level, shift, new PhysicalAddress(page), protection));
        Assert.Equal(shift, s_format.LeafShift(level, entry));
        Assert.Equal(page, s_format.LeafAddress(level, entry).Value);
        Assert.Equal(protection, s_format.LeafProtection(level, entry));
    }

    [Theory]
    [InlineData(0, 0x6000_0000_8000_5A01)]
    [InlineData(2, 0x6000_0000_8000_5601)]
    [InlineData(4, 0x6000_0000_8000_5201)]
    public void Links_name_the_level_of_their_table(int level, ulong entry)
    {
        Assert.Equal(entry, s_format.MakeTable(level, new PhysicalAddress(0x8000_5000)));
        Assert.Equal(EntryKind.Table, s_format.Classify(level, entry));
        Assert.Equal(EntryKind.Empty, s_format.Classify(level + 1, entry)); // not the next level
    }

    [Fact]
    public void A_size_that_the_level_cannot_have_is_no_leaf()
    {
        Assert.Equal(EntryKind.Empty, s_format.Classify(4, 0x7000_0005_4001_7E01)); // 64 KiB
        Assert.Equal(EntryKind.Empty, s_format.Classify(5, 0x7000_0005_409F_FE01)); // 4 MiB
        Assert.Equal(EntryKind.Empty, s_format.Classify(5, 0x6000_0005_4000_0000)); // not present
    }

    [Fact]
    public void Coherence_can_be_left_to_the_device() =>
        Assert.Equal(0x6000_0000_0000_0001UL, new AmdV1Format(3, forceCoherent: false).MakeLeaf(5, 12, default, Protection.ReadWrite));

    [Fact]
    public void Something_must_be_allowed_and_there_are_one_to_six_levels()
    {
        Assert.Equal(Status.InvalidArgument, s_format.CheckProtection(Protection.None));
        Assert.Equal(Status.InvalidArgument, s_format.CheckProtection(Protection.Read | (Protection)(1u << 17)));
        Assert.Throws<ApertureException>(() => new AmdV1Format(0));
        Assert.Throws<ApertureException>(() => new AmdV1Format(7));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void An_address_just_out_of_reach_puts_one_level_on_top(int levels)
    {
        using var machine = new TestMachine();
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(levels), machine.Tables);
        var mapped = new List<ulong>();
        for (var level = AmdV1Format.MostLevels - levels; ; level--)
        {
            Assert.Equal(level, table.RootLevel);
            var reach = 12 + (9 * (AmdV1Format.MostLevels - level));
            if (reach >= 64)
                break;
            var gather = new InvalidationGather();
            var root = table.Root;
            Assert.False(table.TryTranslate(new Iova(1UL << reach), out _));
            Assert.Equal(Status.Ok, table.Unmap(new Iova(1UL << reach), 4096, ref gather, out var none));
            Assert.Equal(0UL, none);
            Assert.Equal(level, table.RootLevel);

            Assert.Equal(Status.Ok,
                table.Map(new Iova(1UL << reach), new PhysicalAddress(0x4000_0000), 4096, Protection.ReadWrite, ref gather));
            mapped.Add(1UL << reach);
            Assert.True(gather.TablesChanged);
            Assert.NotEqual(root, table.Root);
            Assert.Equal(mapped, table.EnumerateMappings().Select(mapping => mapping.Page.Value));
            Assert.Equal(table.Format.MakeTable(table.RootLevel, root), BitConverter.ToUInt64(machine.Memory.Span(table.Root, 8)));
        }

        foreach (var iova in mapped)
        {
            var gather = new InvalidationGather();
            Assert.Equal(Status.Ok, table.Unmap(new Iova(iova), 4096, ref gather, out var unmapped));
            Assert.Equal(4096UL, unmapped);
        }

        Assert.Equal(0, table.RootLevel); // levels stay
    }

    [Fact]
    public void A_page_that_is_too_large_for_the_root_puts_levels_on_top()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(1), machine.Tables);
        var gather = new InvalidationGather();
        Assert.Equal(Status.Ok, table.Map(default, new PhysicalAddress(1UL << 40), 1UL << 40, Protection.ReadWrite, ref gather));
        Assert.Equal(2, table.RootLevel);
        Assert.Equal(40, Assert.Single(table.EnumerateMappings()).PageShift);
    }

    /// <summary>A unit walks from the root that it was told of: a new one is told even where no other link comes with it.</summary>
    [Fact]
    public void A_new_root_is_told_and_the_next_page_in_it_is_not()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(1), machine.Tables);
        foreach (var (page, size, grows) in new[] { (1UL, 1UL << 40, true), (2UL, 1UL << 40, false), (3UL, 1UL << 40, false) })
        {
            var gather = new InvalidationGather();
            var root = table.Root;
            Assert.Equal(Status.Ok, table.Map(new Iova(page * size), new PhysicalAddress(0), size, Protection.ReadWrite, ref gather));
            Assert.Equal((grows, grows), (gather.TablesChanged, table.Root != root));
            Assert.Equal(0, gather.Count);
        }
    }

    /// <summary>512 GiB is no page size, so that the two entries of 1 TiB become tables together.</summary>
    [Fact]
    public void A_terabyte_is_split_although_no_page_takes_one_of_its_entries()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(4), machine.Tables);
        var gather = new InvalidationGather();
        Assert.Equal(Status.Ok, table.Map(new Iova(4UL << 40), new PhysicalAddress(8UL << 40), 4UL << 40, Protection.Read, ref gather));
        Assert.Equal(Status.Ok, table.Unmap(new Iova(5UL << 40), 512UL << 30, ref gather, out var unmapped));
        Assert.Equal(512UL << 30, unmapped);
        Assert.Equal([40, 38, 38, 40, 40], table.EnumerateMappings().Select(mapping => mapping.PageShift));
        Assert.All(table.EnumerateMappings(), mapping =>
        {
            Assert.Equal(mapping.Page.Value + (4UL << 40), mapping.Address.Value);
            Assert.Equal(Protection.Read, mapping.Protection);
        });
        Assert.Equal(0, table.CountTables().Tables - 3);
    }

    /// <summary>The first, or the second, of the two tables that take a terabyte cannot be had.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_terabyte_that_cannot_be_split_stays_and_no_table_is_left_over(int failAt)
    {
        using var machine = new TestMachine();
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(4), machine.Tables);
        var gather = new InvalidationGather();
        Assert.Equal(Status.Ok, table.Map(new Iova(4UL << 40), new PhysicalAddress(8UL << 40), 1UL << 40, Protection.Read, ref gather));
        var (before, inUse) = (table.EnumerateMappings().ToArray(), machine.Tables.BytesInUse);
        for (var round = 0; round < 3; round++)
        {
            machine.Tables.FailAllocation = failAt;
            Assert.Equal(Status.NoMemory, table.Unmap(new Iova(4UL << 40), 512UL << 30, ref gather, out var unmapped));
            Assert.Equal((0UL, 0L), (unmapped, machine.Tables.FailAllocation));
            table.FreeGathered(ref gather);
            Assert.Equal(before, table.EnumerateMappings());
            Assert.Equal(inUse, machine.Tables.BytesInUse);
        }

        Assert.Equal(Status.Ok, table.Unmap(new Iova(4UL << 40), 512UL << 30, ref gather, out _));
    }

    [Theory]
    [InlineData(0x10)]
    [InlineData(0x1A)]
    [InlineData(0x1F)]
    public void Any_entry_of_a_page_makes_it_dirty_and_a_split_keeps_it(uint entry)
    {
        using var machine = new TestMachine();
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(1), machine.Tables);
        var gather = new InvalidationGather();
        table.Map(new Iova(0x1_0000), new PhysicalAddress(0x1_0000), 0x1_0000, Protection.ReadWrite, ref gather);
        Assert.Empty(Dirty(table, clear: true));

        machine.Memory.Span(table.Root + (entry * 8), 8)[0] |= 0x40; // the device writes there
        Assert.Equal([(0x1_0000UL, 0x1_0000UL)], Dirty(table, clear: false));
        table.Unmap(new Iova(0x1_3000), 0x1000, ref gather, out _);
        Assert.Equal([13, 12, 14, 15], table.EnumerateMappings().Select(mapping => mapping.PageShift));
        Assert.All(table.EnumerateMappings(), mapping => Assert.Equal(Protection.ReadWrite | AmdV1Format.Dirty, mapping.Protection));
        Assert.Equal(Status.InvalidArgument, Read(table, 0x1_0000, 0x1_0000, true, out _, ref gather)); // the hole
        Assert.Equal([(0x1_4000UL, 0x4000UL), (0x1_8000, 0x8000)], Dirty(table, clear: true, from: 0x1_4000));
        Assert.Empty(Dirty(table, clear: true, from: 0x1_4000));
    }

    private static List<(ulong Start, ulong Size)> Dirty(PageTable<AmdV1Format> table, bool clear, ulong from = 0x1_0000)
    {
        var gather = new InvalidationGather();
        Assert.Equal(Status.Ok, Read(table, from, 0x2_0000 - from, clear, out var pages, ref gather));
        Assert.Equal(clear && pages.Count > 0, !gather.IsEmpty);
        return pages;
    }

    private static Status Read(
        PageTable<AmdV1Format> table, ulong from, ulong size, bool clear, out List<(ulong Start, ulong Size)> pages,
            ref InvalidationGather gather)
    {
        var written = new WrittenPages();
        pages = written.List;
        return table.ReadDirty(new Iova(from), size, clear, ref written, ref gather);
    }
}
