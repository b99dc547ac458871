using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Threads that put levels on top at the same time.</summary>
public class PageTableGrowthTests
{
    private const int Threads = 4;
    private const ulong Page = 4096;

    [Fact]
    public void Levels_are_put_on_top_by_several_threads_and_nothing_is_lost()
    {
        using var machine = new TestMachine();
        var before = machine.Tables.BytesInUse;
        for (var round = 0; round < 300; round++)
        {
            using var table = new PageTable<AmdV1Format>(new AmdV1Format(1), machine.Tables);
            Parallel(thread =>
            {
                // Every thread has pages at each height, so that all grow the table and map below what others put on top.
                for (var bits = 12; bits < 63; bits += 5)
                {
                    var iova = new Iova((1UL << bits) + ((ulong)thread * Page));
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok,
                        table.Map(iova, new PhysicalAddress((ulong)bits << 30), Page, Protection.ReadWrite, ref gather));
                    Assert.True(table.TryTranslate(iova + 7, out var translation));
                    Assert.Equal(((ulong)bits << 30) + 7, translation.Address.Value);
                }

                for (var bits = 12 + (5 * (thread & 1)); bits < 63; bits += 10)
                {
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok,
                        table.Unmap(new Iova((1UL << bits) + ((ulong)thread * Page)), Page, ref gather, out var unmapped));
                    Assert.Equal(Page, unmapped);
                    table.FreeGathered(ref gather);
                }
            });
            Assert.Equal(0, table.RootLevel);
            Assert.Equal(Threads * 11 - ((6 + 5) * 2), table.EnumerateMappings().Count());
        }

        Assert.Equal(before, machine.Tables.BytesInUse);
    }

    private static void Parallel(Action<int> work)
    {
        using var barrier = new Barrier(Threads);
        var tasks = Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                barrier.SignalAndWait();
                work(thread);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default));
        Task.WaitAll([.. tasks]);
    }
}
