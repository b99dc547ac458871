using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>Several threads in one space: a page has one owner, and nobody is refused what is free.</summary>
public class IovaThreadTests
{
    private const ulong Page = 0x1000;
    private const int Threads = 8;

    [Theory]
    [InlineData(0x3F_FFFFul, 10_000)]     // tight: often full, so that caches are emptied
    [InlineData(0x3FFF_FFFFul, 20_000)]
    public void Pages_have_one_owner(ulong last, int operations)
    {
        var space = new IovaSpace(Page, new Iova(last));
        var owners = new int[(last / Page) + 1];
        var clashes = 0;
        Run(id =>
        {
            var random = new Random(id);
            var live = new List<(Iova Start, int Count)>();
            for (var i = 0; i < operations; i++)
            {
                var count = random.Next(20) == 0 ? random.Next(1, 200) : random.Next(1, 33);
                if (live.Count < 30 && space.TryAllocate((ulong)count * Page, new Iova(last), out var start))
                {
                    Own(start, count, 0, id);
                    live.Add((start, count));
                    continue;
                }

                if (live.Count == 0)
                    continue;
                var at = random.Next(live.Count);
                Own(live[at].Start, live[at].Count, id, 0);
                space.Free(live[at].Start, (ulong)live[at].Count * Page);
                live[at] = live[^1];
                live.RemoveAt(live.Count - 1);
            }

            foreach (var (start, count) in live)
            {
                Own(start, count, id, 0);
                space.Free(start, (ulong)count * Page);
            }
        });
        Assert.Equal(0, clashes);
        Assert.Equal(Page, space.UsedBytes);

        void Own(Iova start, int count, int from, int to)
        {
            for (var i = 0; i < count; i++)
            {
                if (Interlocked.Exchange(ref owners[(int)(start.Value / Page) + i], to) != from)
                    Interlocked.Increment(ref clashes);
            }
        }
    }

    [Fact]
    public void Large_ranges_that_are_taken_and_freed_at_once_are_all_there_afterwards()
    {
        var space = new IovaSpace(Page, new Iova(0x3FFF_FFFF));
        Run(id =>
        {
            var held = new Queue<(Iova Start, ulong Pages)>();
            for (var i = 0; i < 20_000; i++)
            {
                var pages = 33UL + (ulong)(((i * 31) + id) % 100);
                Assert.True(space.TryAllocate(pages * Page, new Iova(ulong.MaxValue), out var start));
                held.Enqueue((start, pages));
                if (held.Count <= 16 && i < 20_000 - 16)
                    continue;
                var (first, count) = held.Dequeue();
                space.Free(first, count * Page);
            }

            while (held.TryDequeue(out var left))
                space.Free(left.Start, left.Pages * Page);
        });
        Assert.Equal(Page, space.UsedBytes);
        for (var i = 0; i < 63; i++)
            Assert.True(space.TryAllocate(0x1000 * Page, new Iova(ulong.MaxValue), out _)); // 1 GiB less what page zero costs
    }

    [Fact]
    public void Nobody_is_refused_what_is_there_for_all()
    {
        // 31 blocks of 32 pages: each thread takes up to three of them at a time, never more than there are.
        var space = new IovaSpace(Page, new Iova(0x3F_FFFF));
        var refusals = 0;
        Run(_ =>
        {
            var held = new Iova[3];
            for (var i = 0; i < 5000; i++)
            {
                for (var j = 0; j < held.Length; j++)
                {
                    if (!space.TryAllocate(32 * Page, new Iova(ulong.MaxValue), out held[j]))
                        Interlocked.Increment(ref refusals);
                }

                foreach (var start in held)
                    space.Free(start, 32 * Page);
            }
        });
        Assert.Equal(0, refusals);
        Assert.Equal(Page, space.UsedBytes);
    }

    [Fact]
    public void Of_two_who_free_the_same_range_one_fails()
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        var starts = new Iova[2000];
        for (var i = 0; i < starts.Length; i++)
            Assert.True(space.TryAllocate(2 * Page, new Iova(uint.MaxValue), out starts[i]));
        var failures = 0;
        Run(_ =>
        {
            foreach (var start in starts)
            {
                try
                {
                    space.Free(start, 2 * Page);
                }
                catch (ApertureException)
                {
                    Interlocked.Increment(ref failures);
                }
            }
        });
        Assert.Equal((Threads - 1) * starts.Length, failures);
        Assert.Equal(Page, space.UsedBytes);
    }

    [Fact]
    public void Ranges_may_be_freed_by_another_thread()
    {
        var space = new IovaSpace(Page, new Iova(0xFF_FFFF));
        var ring = System.Threading.Channels.Channel.CreateBounded<Iova>(64);
        var isOver = false; // one of the two: the other waits for nobody
        Together.Run(
            () =>
            {
                try
                {
                    while (ring.Reader.WaitToReadAsync().AsTask().Result)
                    {
                        while (ring.Reader.TryRead(out var start))
                            space.Free(start, Page);
                    }
                }
                finally
                {
                    Volatile.Write(ref isOver, true);
                }
            },
            () =>
            {
                try
                {
                    for (var i = 0; i < 20_000; i++)
                    {
                        Assert.True(space.TryAllocate(Page, new Iova(ulong.MaxValue), out var start));
                        while (!ring.Writer.TryWrite(start) && !Volatile.Read(ref isOver))
                            Thread.Yield();
                    }
                }
                finally
                {
                    ring.Writer.Complete();
                }
            });
        Assert.Equal(Page, space.UsedBytes);
    }

    [Fact]
    public void Threads_that_end_leave_their_caches_to_the_next()
    {
        var space = new IovaSpace(Page, new Iova(0xFF_FFFF));
        var live = new Queue<(Iova Start, ulong Count)>();
        var pages = new HashSet<ulong>();
        for (var i = 0; i < 200; i++)
        {
            Together.Run(() =>
            {
                // What an ended thread took is given back here, into the cache that was its own.
                for (var j = 0; j < 1 + (i * 7 % 300); j++)
                {
                    var count = (ulong)(1 + (j % 32));
                    Assert.True(space.TryAllocate(count * Page, new Iova(ulong.MaxValue), out var start));
                    for (var page = 0ul; page < count; page++)
                        Assert.True(pages.Add((start.Value / Page) + page));
                    live.Enqueue((start, count));
                    while (live.Count > 50)
                        Free(live.Dequeue());
                }
            });
        }

        while (live.TryDequeue(out var range))
            Free(range);
        Assert.Equal(Page, space.UsedBytes);

        void Free((Iova Start, ulong Count) range)
        {
            space.Free(range.Start, range.Count * Page);
            for (var page = 0ul; page < range.Count; page++)
                pages.Remove((range.Start.Value / Page) + page);
        }
    }

    private static void Run(Action<int> work)
    {
        using var ready = new Barrier(Threads);
        Together.Run([.. Enumerable.Range(1, Threads).Select(id => (Action)(() =>
        {
            ready.SignalAndWait();
            work(id);
        }))]);
    }
}
