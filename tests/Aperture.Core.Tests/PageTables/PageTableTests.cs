using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

public sealed class PageTableTests : IDisposable
{
    private const ulong Kib = 1024;
    private const ulong Mib = 1024 * Kib;

    private readonly TestMachine _machine = new();
    private readonly PageTable<OmapFormat> _omap;
    private InvalidationGather _gather;

    public PageTableTests() => _omap = new PageTable<OmapFormat>(default, _machine.Tables);

    public void Dispose()
    {
        _omap.Dispose();
        _machine.Dispose();
    }

    [Fact]
    public void The_largest_fitting_pages_are_used()
    {
        Assert.Equal(Status.Ok, Map(0x0FFE_F000, 0x3FFE_F000, 4 * Kib + 64 * Kib + Mib + 16 * Mib + 4 * Kib));
        Assert.Equal([12, 16, 24, 20, 12], _omap.EnumerateMappings().Select(mapping => mapping.PageShift));

        Assert.Equal(Status.Ok, Map(0x4FEF_F000, 0x8FEF_F000, 4 * Kib + Mib + 16 * Mib));
        Assert.Equal([12, 20, 24], _omap.EnumerateMappings().Where(mapping => mapping.Page.Value >= 0x4000_0000)
            .Select(mapping => mapping.PageShift));
    }

    [Theory]
    [InlineData(0x800, 0, 0x1000, Status.InvalidArgument)]
    [InlineData(0, 0x200, 0x1000, Status.InvalidArgument)]
    [InlineData(0, 0, 0x1800, Status.InvalidArgument)]
    [InlineData(0xFFFF_F000, 0, 0x1000, Status.Ok)]
    [InlineData(0xFFFF_F000, 0, 0x2000, Status.OutOfRange)]
    [InlineData(0x1_0000_0000, 0, 0x1000, Status.OutOfRange)]
    [InlineData(0, 0x1_0000_0000, 0x1000, Status.OutOfRange)]
    [InlineData(0, 0xFFFF_F000, 0x1000, Status.Ok)]
    [InlineData(0xFFFF_FFFF_FFFF_F000, 0, 0x2000, Status.OutOfRange)]
    [InlineData(0x1000, 0, 0, Status.Ok)]
    public void Ranges_are_checked(ulong iova, ulong pa, ulong size, Status expected) => Assert.Equal(expected, Map(iova, pa, size));

    [Theory]
    [InlineData(0x800, 0, Status.InvalidArgument)]
    [InlineData(0, 0x200, Status.InvalidArgument)]
    [InlineData(0xFFFF_D000, 0, Status.Ok)]
    [InlineData(0xFFFF_E000, 0, Status.OutOfRange)]
    [InlineData(0x1000, 0x1_0000_0000, Status.OutOfRange)]
    [InlineData(0x1000, 0xFFFF_F000, Status.Ok)]
    public void Single_pages_are_checked_and_a_refusal_maps_none(ulong iova, ulong second, Status expected)
    {
        PhysicalAddress[] pages = [new(0x8000), new(second), new(0x3000)];
        Assert.Equal(expected, _omap.MapPages(new Iova(iova), pages, Protection.ReadWrite, ref _gather));
        Assert.Equal(expected == Status.Ok ? pages : [], _omap.EnumerateMappings().Select(mapping => mapping.Address));
    }

    [Fact]
    public void No_single_pages_map_nothing() =>
        Assert.Equal(Status.Ok, _omap.MapPages(new Iova(0x1000), [], Protection.ReadWrite, ref _gather));

    /// <summary>Where an empty entry is a link to a table that all share, units may remember it: the first section, the second, and one
    /// that took the place of another.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_section_over_a_link_to_the_shared_empty_table_changes_links(bool isWide)
    {
        using var table = new PageTable<ExynosFormat>(new(isWide, _machine.NewZeroTable()), _machine.Tables);
        foreach (var iova in (ulong[])[0x1000_0000, 0x1010_0000, 0x1000_0000])
        {
            var gather = default(InvalidationGather);
            table.Unmap(new Iova(iova), Mib, ref gather, out _);
            gather = default;
            Assert.Equal(Status.Ok, table.Map(new Iova(iova), new PhysicalAddress(0x9000_0000), Mib, Protection.ReadWrite, ref gather));
            Assert.True(gather.TablesChanged);
        }

        Assert.Equal(Status.Ok, Map(0x1000_0000, 0x9000_0000, Mib));
        Assert.False(_gather.TablesChanged); // an empty entry is none
    }

    [Fact]
    public void A_part_of_a_supersection_is_split_out_of_it()
    {
        Map(0x1000_0000, 0xD000_0000, 16 * Mib, OmapFormat.BigEndian | OmapFormat.Element16);
        _gather = default;
        Assert.Equal(Status.Ok, _omap.Unmap(new Iova(0x1058_1000), 4 * Kib, ref _gather, out var unmapped));
        Assert.Equal(4 * Kib, unmapped);
        Assert.Equal(
            [
                new GatheredRange(new Iova(0x1000_0000), 16 * Mib, 24),
                new GatheredRange(new Iova(0x1050_0000), Mib, 20),
                new GatheredRange(new Iova(0x1058_0000), 64 * Kib, 16),
                new GatheredRange(new Iova(0x1058_1000), 4 * Kib, 12),
            ],
            _gather.AsSpan().ToArray());
        Assert.True(_gather.TablesChanged);

        var pages = _omap.EnumerateMappings().ToList();
        Assert.Equal(15, pages.Count(page => page.PageShift == 20));
        Assert.Equal(15, pages.Count(page => page.PageShift == 16));
        Assert.Equal(15, pages.Count(page => page.PageShift == 12));
        Assert.All(pages, page =>
        {
            Assert.Equal(page.Page.Value + 0xC000_0000, page.Address.Value);
            Assert.Equal(Protection.ReadWrite | OmapFormat.BigEndian | OmapFormat.Element16, page.Protection);
        });
    }

    [Fact]
    public void Unmap_stops_at_a_hole()
    {
        Map(0x1000_0000, 0, 12 * Kib);
        Map(0x1000_4000, 0, 4 * Kib);
        Assert.Equal(Status.Ok, _omap.Unmap(new Iova(0x1000_0000), 64 * Kib, ref _gather, out var unmapped));
        Assert.Equal(12 * Kib, unmapped);
        Assert.True(_omap.TryTranslate(new Iova(0x1000_4000), out _));
    }

    [Fact]
    public void A_refused_map_is_rolled_back_and_gathered()
    {
        Map(0x1020_0000, 0, 4 * Kib);
        var tables = _omap.CountTables();
        _gather = default;
        Assert.Equal(Status.AlreadyExists, Map(0x100F_F000, 0x4000_0000, 2 * Mib));
        Assert.Equal(tables, _omap.CountTables());
        Assert.Single(_omap.EnumerateMappings());
        Assert.Contains(new GatheredRange(new Iova(0x100F_F000), Mib + 4 * Kib, 12), _gather.AsSpan().ToArray());
    }

    [Fact]
    public void A_section_takes_the_place_of_an_empty_table_only()
    {
        using var table = new PageTable<ExynosFormat>(new ExynosFormat(isWide: false, _machine.NewZeroTable()), _machine.Tables);
        var iova = new Iova(0x1000_0000);
        table.Map(iova, default, 4 * Kib, Protection.ReadWrite, ref _gather);
        Assert.Equal(Status.AlreadyExists, table.Map(iova, default, Mib, Protection.ReadWrite, ref _gather));
        table.Unmap(iova, 4 * Kib, ref _gather, out _);
        Assert.Equal(2, table.CountTables().Tables);

        _gather = default;
        Assert.Equal(Status.Ok, table.Map(iova, default, Mib, Protection.ReadWrite, ref _gather));
        Assert.True(_gather.TablesChanged);
        Assert.Equal(1, table.CountTables().Tables);
        var inUse = _machine.Tables.BytesInUse;
        table.FreeGathered(ref _gather);
        Assert.Equal(inUse - 1024, _machine.Tables.BytesInUse);
    }

    [Fact]
    public void No_memory_for_the_root_is_an_exception()
    {
        _machine.Tables.FailAllocation = 1;
        var error = Assert.Throws<ApertureException>(() => new PageTable<OmapFormat>(default, _machine.Tables));
        Assert.Equal(Status.NoMemory, error.Status);
    }

    private Status Map(ulong iova, ulong pa, ulong size, Protection protection = Protection.ReadWrite) =>
        _omap.Map(new Iova(iova), new PhysicalAddress(pa), size, protection, ref _gather);
}
