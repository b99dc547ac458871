using Aperture.Core;
using Aperture.Core.Addresses;
using Xunit.Abstractions;

namespace Aperture.Schedules.Tests;

/// <summary>Device addresses under every order of steps: no page twice, none lost.</summary>
public sealed class IovaSchedules(ITestOutputHelper output)
{
    private const ulong Page = 4096;

    /// <summary>More pages than a cache keeps: a common tree and a list, under a lock. Without it two threads get the same
    /// pages.</summary>
    [Fact]
    public void Large_ranges() => Explore.Holds(output, () => Owners(pages: [40, 33, 64, 40, 48, 35, 40, 64]));

    [Fact]
    public void Small_ranges() => Explore.Holds(output, () => Owners(pages: [1, 2, 1, 3, 1, 2]));

    [Fact]
    public void Small_and_large_ranges_of_three_threads() =>
        Explore.Holds(output, () => Owners(pages: [1, 40, 32], threads: 3), threads: 3);

    /// <summary>Whoever gives back what another took does not lose it.</summary>
    [Fact]
    public void Ranges_that_another_thread_gives_back() => Explore.Holds(output, () =>
    {
        var space = new IovaSpace(Page, new Iova(0xFF_FFFF));
        var handed = new Queue<Iova>();
        var owned = new HashSet<Iova>();
        return new Concurrent(
            [
                () =>
                {
                    for (var i = 0; i < 6; i++)
                    {
                        Assert.True(space.TryAllocate(2 * Page, new Iova(uint.MaxValue), out var start));
                        Assert.True(owned.Add(start), $"{start} was given out twice");
                        handed.Enqueue(start);
                    }
                },
                () =>
                {
                    for (var i = 0; i < 6; i++)
                    {
                        while (handed.Count == 0)
                            Yields.Blocked();
                        var start = handed.Dequeue();
                        owned.Remove(start);
                        space.Free(start, 2 * Page);
                    }
                },
            ],
            () => Assert.Equal(Page, space.UsedBytes));
    });

    /// <summary>What is there is found, wherever it waits: a full space, of which each thread gives back what it takes.</summary>
    [Fact]
    public void The_last_pages_are_found_in_the_caches_of_others() => Explore.Holds(output, () =>
    {
        var space = new IovaSpace(Page, new Iova((5 * Page) - 1)); // four pages, and page zero
        return new Concurrent([Use, Use], () => Assert.Equal(Page, space.UsedBytes));

        void Use()
        {
            for (var i = 0; i < 3; i++)
            {
                Assert.True(space.TryAllocate(Page, new Iova(uint.MaxValue), out var one));
                Assert.True(space.TryAllocate(Page, new Iova(uint.MaxValue), out var other));
                space.Free(one, Page);
                space.Free(other, Page);
            }
        }
    });

    private static Concurrent Owners(int[] pages, int threads = 2)
    {
        var space = new IovaSpace(Page, new Iova(0xFF_FFFF));
        var owned = new HashSet<ulong>(); // pages that somebody has
        return new Concurrent([.. Enumerable.Range(0, threads).Select(_ => (Action)Use)], () =>
        {
            Assert.Empty(owned);
            Assert.Equal(Page, space.UsedBytes);
        });

        void Use()
        {
            var mine = new Queue<(Iova Start, int Pages)>();
            foreach (var count in pages)
            {
                Assert.True(space.TryAllocate((ulong)count * Page, new Iova(uint.MaxValue), out var start));
                for (var page = 0; page < count; page++)
                    Assert.True(owned.Add((start.Value / Page) + (ulong)page), $"page {page} of {count} at {start} was given out twice");
                mine.Enqueue((start, count));
                if (mine.Count == 2)
                    Free(mine.Dequeue());
            }

            while (mine.TryDequeue(out var last))
                Free(last);
        }

        void Free((Iova Start, int Pages) range)
        {
            for (var page = 0; page < range.Pages; page++)
                owned.Remove((range.Start.Value / Page) + (ulong)page);
            space.Free(range.Start, (ulong)range.Pages * Page);
        }
    }
}
