using Aperture.Core;
using Aperture.Core.Addresses;

namespace Aperture.Tests.Dma;

/// <summary>What is free next in a space of device addresses, against a list of all pages.</summary>
public class IovaNextFreeTests
{
    private const int Pages = 9000; // more than two leaves

    [Fact]
    public void Next_is_the_lowest_block_that_is_free()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var space = new IovaSpace(4096, new Iova((Pages << 12) - 1));
        var taken = new bool[Pages];
        taken[0] = true;
        var live = new List<(Iova Start, ulong Bytes)>();
        for (var i = 0; i < 3000; i++)
        {
            var bytes = (ulong)(1 << random.Next(0, 9) << 12) - (ulong)random.Next(2048);
            if (live.Count > 0 && random.Next(5) < 2)
            {
                var (start, length) = live[random.Next(live.Count)];
                live.Remove((start, length));
                space.Free(start, length);
                Mark(start, length, false);
            }
            else if (space.TryAllocate(bytes, new Iova(ulong.MaxValue), out var start))
            {
                live.Add((start, bytes));
                Mark(start, bytes, true);
            }

            var from = random.Next(Pages + 10);
            var order = random.Next(12);
            var limit = random.Next(Pages);
            var found = space.TryFindNext(1UL << order << 12, new Iova((ulong)from << 12), new Iova(((ulong)limit << 12) - 1),
                out var next);
            var expected = Expected(from, 1 << order, limit);
            Assert.True((expected >= 0, expected) == (found, found ? (int)(next.Value >> 12) : -1),
                $"seed {seed}, step {i}: from {from}, 2^{order} pages below {limit}: {next}, not {expected}");
        }

        void Mark(Iova start, ulong bytes, bool isTaken) =>
            Array.Fill(taken, isTaken, (int)(start.Value >> 12), (int)((bytes + 4095) >> 12));

        int Expected(int from, int pages, int limit)
        {
            if (limit == 0)
                limit = Pages; // one byte less than zero is no limit
            for (var page = (from + pages - 1) / pages * pages; page + pages <= Math.Min(limit, Pages); page += pages)
            {
                if (Array.IndexOf(taken, true, page, pages) < 0)
                    return page;
            }

            return -1;
        }
    }

    [Fact]
    public void Large_spaces_are_crossed_at_once()
    {
        var space = new IovaSpace(4096, new Iova(ulong.MaxValue));
        space.Reserve(new Iova(0), 1UL << 60);
        Assert.True(space.TryFindNext(0x3000, default, new Iova(ulong.MaxValue), out var start));
        Assert.Equal(1UL << 60, start.Value);
        Assert.True(space.TryFindNext(1UL << 62, default, new Iova(ulong.MaxValue), out start));
        Assert.Equal(1UL << 62, start.Value);
        Assert.False(space.TryFindNext(1UL << 62, new Iova((3UL << 62) + 1), new Iova(ulong.MaxValue), out _));
        Assert.Equal(1UL << 60, space.UsedBytes);
    }
}
