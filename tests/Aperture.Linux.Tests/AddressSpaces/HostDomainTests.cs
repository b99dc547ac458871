using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Iommu;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Memory;
using Aperture.Linux.Tests.Fakes;

namespace Aperture.Linux.Tests.AddressSpaces;

public sealed class HostDomainTests : IDisposable
{
    private readonly HostMemory _memory = new(HugePages.Never);
    private readonly FakeSpace _space = new();
    private readonly HostDomain _domain;

    public HostDomainTests()
    {
        _domain = new HostDomain(DomainType.Unmanaged, _space, _memory, null);
        Assert.Equal(Status.Ok, _domain.Join(_space));
    }

    public void Dispose()
    {
        _domain.Dispose();
        _memory.Dispose();
    }

    [Theory]
    [InlineData(0x1001, 0x2000, 0x1000, Protection.Read, Status.InvalidArgument)]
    [InlineData(0x1000, 0x2001, 0x1000, Protection.Read, Status.InvalidArgument)]
    [InlineData(0x1000, 0x2000, 0x1001, Protection.Read, Status.InvalidArgument)]
    [InlineData(0x1000, 0x2000, 0x1000, Protection.Cache, Status.InvalidArgument)]
    [InlineData(0xFEE0_0000, 0x2000, 0x1000, Protection.Read, Status.OutOfRange)]
    [InlineData(0xFEDF_F000, 0x2000, 0x2000, Protection.Read, Status.OutOfRange)]
    [InlineData(0x80_0000_0000, 0x2000, 0x1000, Protection.Read, Status.OutOfRange)]
    [InlineData(0x1000, 0x2000, 0, Protection.Read, Status.Ok)]
    public void Refuses_what_no_unit_takes(ulong iova, ulong address, ulong size, Protection protection, Status expected)
    {
        Assert.Equal(expected, _domain.Map(new(iova), new(address), size, protection));
        Assert.Empty(_space.Mappings);
        Assert.Equal(0, _domain.Count);
    }

    [Fact]
    public void A_map_over_anything_mapped_is_refused()
    {
        Map(0x10000, 0x4000);
        foreach (var (start, size) in new[] { (0x10000UL, 0x1000UL), (0xF000UL, 0x2000UL), (0x13000UL, 0x1000UL), (0x8000UL, 0x20000UL) })
            Assert.Equal(Status.AlreadyExists, _domain.Map(new(start), new(0x9000), size, Protection.Read));
        Assert.Single(_space.Mappings);
    }

    [Fact]
    public void An_unmap_stops_at_the_first_hole()
    {
        Map(0x1000, 0x1000);
        Map(0x2000, 0x2000);
        Map(0x5000, 0x1000);
        var calls = _space.Calls;
        Assert.Equal(0x3000UL, _domain.Unmap(new(0x1000), 0x10000));
        Assert.Equal(calls + 1, _space.Calls); // neighbours go in one call
        Assert.Equal([0x5000UL], _space.Mappings.Keys);
        Assert.Equal(0UL, _domain.Unmap(new(0x1000), 0x10000));
    }

    [Theory]
    [InlineData(0x10000, 0x1000)]
    [InlineData(0x12000, 0x1000)]
    [InlineData(0x13000, 0x1000)]
    [InlineData(0x11000, 0x2000)]
    public void An_unmap_inside_a_mapping_leaves_the_rest(ulong start, ulong size)
    {
        Map(0x10000, 0x4000);
        Assert.Equal(size, _domain.Unmap(new(start), size));
        for (var page = 0x10000UL; page < 0x14000; page += 0x1000)
        {
            var stays = page < start || page >= start + size;
            Assert.Equal(stays, _domain.TryTranslate(new(page), out var address));
            Assert.Equal(stays ? 0x7000_0000 + page : 0, address.Value);
            Assert.Equal(stays, _space.Mappings.Values.Any(mapping => mapping.Start <= page && page <= mapping.Last && mapping.Address
                + (page - mapping.Start) == 0x7000_0000 + page));
        }
    }

    [Fact]
    public void What_shall_stay_of_a_cut_mapping_and_does_not_is_told()
    {
        Map(0x10000, 0x4000);
        _space.MaxMappings = 1;
        var gather = default(InvalidationGather);
        Assert.Equal(Status.NoSpace, _domain.Unmap(new(0x11000), 0x1000, ref gather, out _));
        Assert.Contains("dma_entry_limit", _domain.Explain(Status.NoSpace));
    }

    [Fact]
    public void A_map_that_fails_in_one_space_is_in_none()
    {
        var second = new FakeSpace("IOMMU group 2") { FailsNext = Status.NoMemory };
        _domain.Join(second);
        Assert.Equal(Status.NoMemory, _domain.Map(new(0x1000), new(0x2000), 0x1000, Protection.Read));
        Assert.Empty(_space.Mappings);
        Assert.False(_domain.TryTranslate(new(0x1000), out _));
    }

    [Fact]
    public void A_space_that_joins_gets_everything_or_nothing()
    {
        Map(0x1000, 0x1000);
        Map(0x7000_0000, 0x2000);
        var second = new FakeSpace("IOMMU group 2");
        Assert.Equal(Status.Ok, _domain.Join(second));
        Assert.Equal(_space.Mappings, second.Mappings);
        var narrow = new FakeSpace("IOMMU group 3") { Given = [new(default, new(0x0FFF_FFFF))] };
        Assert.Equal(Status.OutOfRange, _domain.Join(narrow));
        Assert.Empty(narrow.Mappings);
        _domain.Unmap(new(0x7000_0000), 0x2000);
        Assert.Equal(Status.Ok, _domain.Join(narrow));
        Assert.Equal(0x0FFF_FFFFUL, _domain.ApertureEnd.Value);
        Assert.Equal(Status.OutOfRange, _domain.Map(new(0x7000_0000), new(0x2000), 0x1000, Protection.Read));
    }

    [Fact]
    public void A_space_that_leaves_has_nothing_mapped()
    {
        Map(0x1000, 0x1000);
        _domain.Leave(_space);
        Assert.Empty(_space.Mappings);
        Assert.True(_domain.TryTranslate(new(0x1000), out _));
    }

    [Fact]
    public void Random_maps_and_unmaps_agree_with_pages()
    {
        const int Seed = 7;
        var random = new Random(Seed);
        var pages = new Dictionary<ulong, ulong>();
        for (var step = 0; step < 5_000; step++)
        {
            var start = (ulong)random.Next(256) << 12;
            var size = (ulong)random.Next(1, 9) << 12;
            var range = Enumerable.Range(0, (int)(size >> 12)).Select(page => start + ((ulong)page << 12)).ToArray();
            if (random.Next(2) == 0)
            {
                var address = (ulong)random.Next(1, 1 << 20) << 12;
                var expected = range.Any(pages.ContainsKey) ? Status.AlreadyExists : Status.Ok;
                Assert.Equal(expected, _domain.Map(new(start), new(address), size, Protection.ReadWrite));
                for (var i = 0; expected == Status.Ok && i < range.Length; i++)
                    pages.Add(range[i], address + ((ulong)i << 12));
            }
            else
            {
                var run = range.TakeWhile(pages.ContainsKey).ToArray();
                Assert.Equal((ulong)run.Length << 12, _domain.Unmap(new(start), size));
                Array.ForEach(run, page => pages.Remove(page));
            }

            var kernel = _space.Mappings.Values.SelectMany(mapping => Enumerable.Range(0, (int)(mapping.Size >> 12))
                .Select(page => (mapping.Start + ((ulong)page << 12), mapping.Address + ((ulong)page << 12))));
            Assert.True(kernel.SequenceEqual(pages.OrderBy(page => page.Key).Select(page => (page.Key, page.Value))),
                $"seed {Seed}, step {step}");
        }
    }

    private void Map(ulong iova, ulong size) =>
        Assert.Equal(Status.Ok, _domain.Map(new(iova), new(0x7000_0000 + iova), size, Protection.ReadWrite));
}
