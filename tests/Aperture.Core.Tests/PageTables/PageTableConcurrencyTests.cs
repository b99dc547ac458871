using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Xunit.Abstractions;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Threads on disjoint ranges that share tables.</summary>
public abstract class PageTableConcurrencyTests<TFormat, TKind>(ITestOutputHelper output)
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private const int Threads = 4;

    private static readonly TKind s_kind = new();

    [Fact]
    public void Interleaved_pages_of_shared_tables_are_never_lost_while_tables_come_and_go()
    {
        const int rounds = 40_000;
        using var machine = new TestMachine();
        var format = s_kind.NewFormat(machine);
        var (start, page) = (s_kind.Window(format), TablePages.Of(format));
        var before = machine.Tables.BytesInUse;
        using (var table = new PageTable<TFormat>(format, machine.Tables))
        {
            Together(thread =>
            {
                var random = new Random(thread);
                var mapped = new bool[1024];
                for (var i = 0; i < rounds; i++)
                {
                    // Few pages at a time, so that tables often become empty.
                    var slot = random.Next(4) * 256 / Threads;
                    var iova = start + ((((ulong)slot * Threads) + (ulong)thread) * page);
                    var physical = 0x4000_0000 + ((ulong)i % 0x10000 * page);
                    var gather = new InvalidationGather();
                    if (mapped[slot])
                    {
                        Assert.Equal(Status.Ok, table.Unmap(new Iova(iova), page, ref gather, out var unmapped));
                        Assert.Equal(page, unmapped);
                        Assert.False(table.TryTranslate(new Iova(iova), out _));
                    }
                    else
                    {
                        Assert.Equal(Status.Ok, table.Map(new Iova(iova), new PhysicalAddress(physical), page, Protection.ReadWrite,
                            ref gather));
                        Assert.True(table.TryTranslate(new Iova(iova + 5), out var translation));
                        Assert.Equal(physical + 5, translation.Address.Value);
                    }

                    mapped[slot] = !mapped[slot];
                    table.FreeGathered(ref gather);
                }

                for (var slot = 0; slot < mapped.Length; slot++)
                {
                    if (!mapped[slot])
                        continue;
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok, table.Unmap(new Iova(start + ((((ulong)slot * Threads) + (ulong)thread) * page)), page,
                        ref gather, out var unmapped));
                    Assert.Equal(page, unmapped);
                    table.FreeGathered(ref gather);
                }
            });
            Assert.Empty(table.EnumerateMappings());
            if (format.Reclaim == TableReclaim.WhenEmpty)
                Assert.Equal(1, table.CountTables().Tables);
        }

        Assert.Equal(before, machine.Tables.BytesInUse);
    }

    [Fact]
    public void Ranges_that_meet_inside_tables_install_them_together()
    {
        using var machine = new TestMachine();
        var format = s_kind.NewFormat(machine);
        var (start, page) = (s_kind.Window(format), TablePages.Of(format));
        var chunk = 100 * page;
        for (var round = 0; round < 100; round++)
        {
            using var table = new PageTable<TFormat>(format, machine.Tables);
            Together(thread =>
            {
                for (var i = 0; i < 20; i++)
                {
                    var offset = ((ulong)(i * Threads) + (ulong)thread) * chunk;
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok, table.Map(new Iova(start + offset), new PhysicalAddress(0x4000_0000 + page + offset), chunk,
                        Protection.ReadWrite, ref gather));
                    table.FreeGathered(ref gather);
                }
            });
            ulong at = 0;
            foreach (var mapping in table.EnumerateMappings())
            {
                Assert.Equal(start + at, mapping.Page.Value);
                Assert.Equal(0x4000_0000 + page + at, mapping.Address.Value);
                at += 1UL << mapping.PageShift;
            }

            Assert.Equal(20 * Threads * chunk, at);
        }
    }

    [Fact]
    public void Parts_of_one_large_page_are_unmapped_together()
    {
        using var machine = new TestMachine();
        var format = s_kind.NewFormat(machine);
        var (start, bytes) = (s_kind.Window(format), TablePages.Of(format));
        using var table = new PageTable<TFormat>(format, machine.Tables);
        const int pages = 4096;
        for (var round = 0; round < 60; round++)
        {
            var none = new InvalidationGather();
            Assert.Equal(Status.Ok, table.Map(new Iova(start), new PhysicalAddress(0x4000_0000), pages * bytes, Protection.ReadWrite,
                ref none));
            table.FreeGathered(ref none);
            Together(thread =>
            {
                for (var page = thread; page < pages; page += Threads * 5)
                {
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok, table.Unmap(new Iova(start + ((ulong)page * bytes)), bytes, ref gather, out var unmapped));
                    Assert.Equal(bytes, unmapped);
                    table.FreeGathered(ref gather);
                }
            });
            for (var page = 0; page < pages; page++)
            {
                var gone = page % (Threads * 5) < Threads;
                Assert.Equal(!gone, table.TryTranslate(new Iova(start + ((ulong)page * bytes)), out var translation));
                if (!gone)
                {
                    Assert.Equal(0x4000_0000 + ((ulong)page * bytes), translation.Address.Value);
                    var gather = new InvalidationGather();
                    table.Unmap(new Iova(start + ((ulong)page * bytes)), bytes, ref gather, out _);
                    table.FreeGathered(ref gather);
                }
            }
        }

        Assert.Empty(table.EnumerateMappings());
    }

    [Fact]
    public void Nothing_is_lost_while_the_bias_moves_between_threads()
    {
        // Short lives of tables that begin as one thread's: in a long one all steps soon are everybody's.
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        using var machine = new TestMachine();
        var format = s_kind.NewFormat(machine);
        var (start, page) = (s_kind.Window(format), TablePages.Of(format));
        for (var round = 0; round < 60; round++)
        {
            using var table = new PageTable<TFormat>(format, machine.Tables);
            var mapped = new bool[Threads][];
            Together(thread =>
            {
                var random = new Random(seed + (round * Threads) + thread);
                var mine = mapped[thread] = new bool[8];
                for (var i = random.Next(1, 500); i > 0; i--)
                {
                    var slot = random.Next(mine.Length);
                    var iova = new Iova(start + ((((ulong)slot * 131 * Threads) + (ulong)thread) * page));
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok, mine[slot]
                        ? table.Unmap(iova, page, ref gather, out _)
                        : table.Map(iova, new PhysicalAddress(0x4000_0000 + ((ulong)slot * page)), page, Protection.ReadWrite, ref gather));
                    mine[slot] = !mine[slot];
                    table.FreeGathered(ref gather);
                    if (random.Next(50) == 0)
                        Thread.Yield();
                }
            });
            for (var thread = 0; thread < Threads; thread++)
            {
                for (var slot = 0; slot < mapped[thread].Length; slot++)
                {
                    var iova = new Iova(start + ((((ulong)slot * 131 * Threads) + (ulong)thread) * page));
                    Assert.Equal(mapped[thread][slot], table.TryTranslate(iova, out var translation));
                    if (mapped[thread][slot])
                        Assert.Equal(0x4000_0000 + ((ulong)slot * page), translation.Address.Value);
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok, table.Unmap(iova, page, ref gather, out _));
                    table.FreeGathered(ref gather);
                }
            }

            Assert.Empty(table.EnumerateMappings());
            if (format.Reclaim == TableReclaim.WhenEmpty)
                Assert.Equal(1, table.CountTables().Tables);
        }
    }

    private static void Together(Action<int> work)
    {
        using var barrier = new Barrier(Threads);
        var threads = new Thread[Threads];
        var failures = new List<Exception>();
        for (var i = 0; i < Threads; i++)
        {
            var thread = i;
            threads[i] = new Thread(() =>
            {
                barrier.SignalAndWait();
                try
                {
                    work(thread);
                }
                catch (Exception e)
                {
                    lock (failures)
                        failures.Add(e);
                }
            });
            threads[i].Start();
        }

        foreach (var thread in threads)
            thread.Join();
        Assert.Empty(failures);
    }
}

public sealed class OmapConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<OmapFormat, OmapKind>(output);

public sealed class ExynosV5ConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ExynosFormat, ExynosV5Kind>(output);

public sealed class ArmShortConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmShortFormat, ArmShortKind>(output);

public sealed class MediaTekConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmShortFormat, MediaTekKind>(output);

public sealed class Lpae4KConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmLpaeFormat, Lpae4KKind>(output);

public sealed class Lpae4KUpperDirtyConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmLpaeFormat,
    Lpae4KUpperDirtyKind>(output);

public sealed class LpaeContiguousConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmLpaeFormat,
    LpaeContiguousKind>(output);

public sealed class LpaeContiguousDirtyConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmLpaeFormat,
    LpaeContiguousDirtyKind>(output);

public sealed class Lpae16KStage2ConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmLpaeFormat,
    Lpae16KStage2Kind>(output);

public sealed class Lpae64KConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<ArmLpaeFormat, Lpae64KKind>(output);

public sealed class AmdConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<AmdV1Format, AmdKind>(output);

public sealed class AmdGrowingConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<AmdV1Format, AmdGrowingKind>(output);

public sealed class TegraConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<TegraFormat, TegraKind>(output);

public sealed class DeepConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<DeepFormat, DeepKind>(output);

public sealed class RockchipConcurrencyTests(ITestOutputHelper output) : PageTableConcurrencyTests<RockchipFormat, RockchipV2Kind>(output);
