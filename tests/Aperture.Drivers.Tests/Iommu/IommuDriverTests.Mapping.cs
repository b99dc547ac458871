using System.Numerics;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

public abstract partial class IommuDriverTests
{
    [Fact]
    public void Every_page_size_is_reached_and_forgotten()
    {
        var (_, master, domain) = Ready();
        Assert.NotEqual(0UL, domain.PageSizes);
        for (var sizes = domain.PageSizes & SizesInMemory; sizes != 0; sizes &= sizes - 1)
        {
            var size = 1UL << BitOperations.TrailingZeroCount(sizes);
            for (var tried = 0UL; tried < size; tried += size / 4) // one after each unmap, as a refusal empties caches
            {
                Map(domain, s_iova, 0, size);
                for (var offset = 0UL; offset < size; offset += size / 16)
                    master.Reaches(s_iova + offset, _board.Data + offset);
                master.Reaches(s_iova + (size - 8), _board.Data + (size - 8));
                Assert.Equal(size, domain.Unmap(s_iova, size));
                master.IsRefused(s_iova + tried);
            }

            Map(domain, s_iova, size, Page);
            master.Reaches(s_iova, _board.Data + size);
            domain.Unmap(s_iova, Page);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(31)]
    [InlineData(200)]
    public void One_commit_forgets_scattered_pages_that_were_in_the_cache(int pages)
    {
        var (_, master, domain) = Ready();
        for (var i = 0UL; i < (ulong)pages; i++)
        {
            Map(domain, s_iova + (i * 3 * Page), i * Page);
            master.Reaches(s_iova + (i * 3 * Page), _board.Data + (i * Page));
        }

        var gather = default(InvalidationGather);
        for (var i = 0UL; i < (ulong)pages; i++)
            domain.Unmap(s_iova + (i * 3 * Page), Page, ref gather, out _);
        Assert.Equal(Status.Ok, domain.Commit(ref gather));
        domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry;
        for (var i = 0UL; i < (ulong)pages; i++)
            Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + (i * 3 * Page), out _));
    }

    [Fact]
    public void A_page_put_where_the_unit_has_just_seen_nothing_is_reached()
    {
        var (_, master, domain) = Ready();
        var sizes = new[] { Page, 1UL << 20, 1UL << 16 };
        for (var i = 0; i < sizes.Length; i++)
        {
            var (iova, size) = (s_iova + ((ulong)i << 20), sizes[i]);
            domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry;
            Assert.NotEqual(DmaStatus.Ok, master.TryRead(iova, out _));
            Map(domain, iova, 1 << 20, size);
            master.Reaches(iova, _board.Data + (1 << 20));
        }
    }

    [Fact]
    public void Part_of_a_large_page_is_forgotten_and_the_rest_stays()
    {
        var (_, master, domain) = Ready();
        Map(domain, s_iova, 0, 1 << 20);
        master.Reaches(s_iova + 0x4_5000, _board.Data + 0x4_5000);
        master.Reaches(s_iova, _board.Data);
        Assert.Equal(Page, domain.Unmap(s_iova + 0x4_5000, Page));
        master.IsRefused(s_iova + 0x4_5000);
        master.Reaches(s_iova + 0x4_4000, _board.Data + 0x4_4000);
        master.Reaches(s_iova + 0x4_6000, _board.Data + 0x4_6000);
        master.Reaches(s_iova + 0xF_F000, _board.Data + 0xF_F000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void Random_maps_and_unmaps_are_seen_exactly(int seed)
    {
        var random = new Random(seed); // the seed is the case's name
        var (unit, master, domain) = Ready();
        domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry;
        const int pages = 1024;
        var expected = new ulong[pages]; // offset + 1 of the data behind each page; zero: nothing
        for (var step = 0; step < 1500; step++)
        {
            var start = random.Next(pages);
            if (random.Next(4) == 0)
                start &= ~15;
            var count = Math.Min(random.Next(3) == 0 ? random.Next(1, 300) : random.Next(1, 4), pages - start);
            var iova = s_iova + ((ulong)start * Page);
            if (random.Next(2) == 0)
            {
                var data = (ulong)random.Next(4096);
                if (random.Next(2) == 0)
                    data = (data & ~255UL) | ((uint)start & 255);
                var status = domain.Map(iova, _board.Data + (data * Page), (ulong)count * Page, Protection.ReadWrite);
                var free = expected.AsSpan(start, count).IndexOfAnyExcept(0UL) < 0;
                Assert.Equal(free ? Status.Ok : Status.AlreadyExists, status);
                for (var i = 0; free && i < count; i++)
                    expected[start + i] = ((data + (uint)i) * Page) + 1;
            }
            else
            {
                var mapped = expected.AsSpan(start, count).IndexOf(0UL);
                mapped = mapped < 0 ? count : mapped;
                Assert.Equal((ulong)mapped * Page, domain.Unmap(iova, (ulong)count * Page));
                expected.AsSpan(start, mapped).Clear();
            }

            if (random.Next(50) == 0)
                unit.Cycle(random.Next(2) == 0);
            for (var probe = 0; probe < 4; probe++)
            {
                var page = probe == 0 ? start : random.Next(pages);
                var at = s_iova + ((ulong)page * Page);
                if (expected[page] != 0)
                    master.Reaches(at, _board.Data + (expected[page] - 1));
                else
                    Assert.NotEqual(DmaStatus.Ok, master.TryRead(at, out _));
            }
        }
    }
}
