using Aperture.Core;
using Aperture.Dma;

namespace Aperture.Tests.Dma;

public class IovaSpaceTests
{
    private const ulong Page = 0x1000;

    [Theory]
    [InlineData(1, 0x3F_FFFFul)]     // 1024 pages: tight
    [InlineData(2, 0xFF_FFFFul)]
    [InlineData(3, 0x3E_DFFFul)]     // no whole number of words
    [InlineData(4, 0xFFFF_FFFFul)]
    public void Agrees_with_a_list_of_ranges(int seed, ulong end)
    {
        var random = new Random(seed);
        var space = new IovaSpace(Page, new Iova(end));
        var pages = (int)((end + 1) / Page);
        var taken = new bool[pages];
        taken[0] = true;
        var used = Page;
        var live = new List<(int Page, int Count)>();
        for (var i = 0; i < 100_000; i++)
        {
            if (live.Count > 0 && random.Next(100) < 48)
            {
                var at = random.Next(live.Count);
                var (page, count) = live[at];
                live[at] = live[^1];
                live.RemoveAt(live.Count - 1);
                space.Free(new Iova((ulong)page * Page), (ulong)count * Page);
                taken.AsSpan(page, count).Clear();
                used -= (ulong)count * Page;
                continue;
            }

            var wanted = random.Next(10) == 0 ? random.Next(1, 300) : random.Next(1, 9);
            var limit = random.Next(4) == 0 ? (ulong)random.Next(pages) * Page : end;
            var aligned = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)wanted);
            var found = space.TryAllocate(((ulong)wanted * Page) - (ulong)random.Next((int)Page), new Iova(limit), out var start);
            var last = Math.Min((int)((limit + 1) / Page), pages); // the first page that may not be used
            if (!found)
            {
                for (var page = 0; page + wanted <= last; page += aligned)
                    Assert.True(taken.AsSpan(page, wanted).Contains(true), $"seed {seed}, operation {i}: {wanted} pages are free at page {page} but were not found");
                continue;
            }

            var first = (int)(start.Value / Page);
            Assert.True(start.Value % Page == 0 && first % aligned == 0 && first + wanted <= last, $"seed {seed}, operation {i}: {wanted} pages at {start} with limit 0x{limit:x}");
            Assert.False(taken.AsSpan(first, wanted).Contains(true), $"seed {seed}, operation {i}: {start} was taken");
            taken.AsSpan(first, wanted).Fill(true);
            used += (ulong)wanted * Page;
            live.Add((first, wanted));
            Assert.Equal(used, space.UsedBytes);
        }
    }

    [Fact]
    public void Reserved_pages_are_not_given_out()
    {
        var space = new IovaSpace(Page, new Iova(0xFFFF));
        space.Reserve(new Iova(0x1800), 0x1000);
        space.Reserve(new Iova(0x8000), ulong.MaxValue);
        space.Reserve(new Iova(0x2000), 0);
        var given = new List<ulong>();
        while (space.TryAllocate(Page, new Iova(ulong.MaxValue), out var start))
            given.Add(start.Value);
        Assert.Equal([0x3000ul, 0x4000ul, 0x5000ul, 0x6000ul, 0x7000ul], given.Order());
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(ulong.MaxValue)]
    [InlineData(0x1_0000_0001ul)]
    public void Impossible_sizes_are_refused(ulong bytes)
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        Assert.False(space.TryAllocate(bytes, new Iova(ulong.MaxValue), out _));
        Assert.Equal(Page, space.UsedBytes);
    }

    [Fact]
    public void What_is_not_taken_cannot_be_freed()
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        Assert.True(space.TryAllocate(Page, new Iova(ulong.MaxValue), out var start));
        Assert.Throws<ApertureException>(() => space.Free(start, 2 * Page));
        Assert.Throws<ApertureException>(() => space.Free(new Iova(0), Page));
        Assert.Throws<ApertureException>(() => space.Free(new Iova(0x10_0000_0000), Page));
        Assert.Throws<ApertureException>(() => space.Free(start, ulong.MaxValue));
        space.Free(start, Page);
        Assert.Throws<ApertureException>(() => space.Free(start, Page));
        Assert.Throws<ApertureException>(() => new IovaSpace(3000, default));
    }

    [Fact]
    public void Threads_never_share_a_page()
    {
        var space = new IovaSpace(Page, new Iova(0x3F_FFFF));
        var owners = new int[1024];
        var clashes = 0;
        var threads = Enumerable.Range(1, 4).Select(id => new Thread(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (!space.TryAllocate(2 * Page, new Iova(ulong.MaxValue), out var start))
                    continue;
                var page = start.Value / Page;
                if (Interlocked.Exchange(ref owners[page], id) != 0 || Interlocked.Exchange(ref owners[page + 1], id) != 0)
                    Interlocked.Increment(ref clashes);
                owners[page] = owners[page + 1] = 0;
                space.Free(start, 2 * Page);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal(0, clashes);
        Assert.Equal(Page, space.UsedBytes);
    }
}
