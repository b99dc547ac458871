using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Threads on disjoint ranges that share tables.</summary>
public abstract class PageTableConcurrencyTests<TFormat, TKind>
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
                        Assert.Equal(Status.Ok, table.Map(new Iova(iova), new PhysicalAddress(physical), page, Protection.ReadWrite, ref gather));
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
                    Assert.Equal(Status.Ok, table.Unmap(new Iova(start + ((((ulong)slot * Threads) + (ulong)thread) * page)), page, ref gather, out var unmapped));
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
                    Assert.Equal(Status.Ok, table.Map(new Iova(start + offset), new PhysicalAddress(0x4000_0000 + page + offset), chunk, Protection.ReadWrite, ref gather));
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
            Assert.Equal(Status.Ok, table.Map(new Iova(start), new PhysicalAddress(0x4000_0000), pages * bytes, Protection.ReadWrite, ref none));
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

public sealed class OmapConcurrencyTests : PageTableConcurrencyTests<OmapFormat, OmapKind>;

public sealed class ExynosV5ConcurrencyTests : PageTableConcurrencyTests<ExynosV5Format, ExynosV5Kind>;

public sealed class ArmShortConcurrencyTests : PageTableConcurrencyTests<ArmShortFormat, ArmShortKind>;

public sealed class MediaTekConcurrencyTests : PageTableConcurrencyTests<ArmShortFormat, MediaTekKind>;

public sealed class Lpae4KConcurrencyTests : PageTableConcurrencyTests<ArmLpaeFormat, Lpae4KKind>;

public sealed class Lpae4KUpperDirtyConcurrencyTests : PageTableConcurrencyTests<ArmLpaeFormat, Lpae4KUpperDirtyKind>;

public sealed class LpaeContiguousConcurrencyTests : PageTableConcurrencyTests<ArmLpaeFormat, LpaeContiguousKind>;

public sealed class Lpae16KStage2ConcurrencyTests : PageTableConcurrencyTests<ArmLpaeFormat, Lpae16KStage2Kind>;

public sealed class Lpae64KConcurrencyTests : PageTableConcurrencyTests<ArmLpaeFormat, Lpae64KKind>;

public sealed class AmdConcurrencyTests : PageTableConcurrencyTests<AmdV1Format, AmdKind>;

public sealed class AmdGrowingConcurrencyTests : PageTableConcurrencyTests<AmdV1Format, AmdGrowingKind>;

public sealed class TegraConcurrencyTests : PageTableConcurrencyTests<TegraFormat, TegraKind>;

public sealed class DeepConcurrencyTests : PageTableConcurrencyTests<DeepFormat, DeepKind>;

public sealed class RockchipConcurrencyTests : PageTableConcurrencyTests<RockchipFormat, RockchipV2Kind>;
