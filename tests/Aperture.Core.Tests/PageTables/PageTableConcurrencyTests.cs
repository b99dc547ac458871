using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Threads on disjoint ranges that share tables.</summary>
public abstract class PageTableConcurrencyTests<TFormat, TKind>
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private const ulong Start = 0x1000_0000;
    private const ulong Page = 4096;
    private const int Threads = 4;

    [Fact]
    public void Interleaved_pages_of_shared_tables_are_never_lost_while_tables_come_and_go()
    {
        const int rounds = 40_000;
        using var machine = new TestMachine();
        var format = new TKind().NewFormat(machine);
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
                    var iova = Start + ((((ulong)slot * Threads) + (ulong)thread) * Page);
                    var physical = 0x4000_0000 + ((ulong)i % 0x10000 * Page);
                    var gather = new InvalidationGather();
                    if (mapped[slot])
                    {
                        Assert.Equal(Status.Ok, table.Unmap(new Iova(iova), Page, ref gather, out var unmapped));
                        Assert.Equal(Page, unmapped);
                        Assert.False(table.TryTranslate(new Iova(iova), out _));
                    }
                    else
                    {
                        Assert.Equal(Status.Ok, table.Map(new Iova(iova), new PhysicalAddress(physical), Page, Protection.ReadWrite, ref gather));
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
                    Assert.Equal(Status.Ok, table.Unmap(new Iova(Start + ((((ulong)slot * Threads) + (ulong)thread) * Page)), Page, ref gather, out var unmapped));
                    Assert.Equal(Page, unmapped);
                    table.FreeGathered(ref gather);
                }
            });
            Assert.Empty(table.EnumerateMappings());
            if (format.ReclaimsEmptyTables)
                Assert.Equal(1, table.CountTables().Tables);
        }

        Assert.Equal(before, machine.Tables.BytesInUse);
    }

    [Fact]
    public void Ranges_that_meet_inside_tables_install_them_together()
    {
        const ulong chunk = 100 * Page;
        using var machine = new TestMachine();
        for (var round = 0; round < 100; round++)
        {
            using var table = new PageTable<TFormat>(new TKind().NewFormat(machine), machine.Tables);
            Together(thread =>
            {
                for (var i = 0; i < 20; i++)
                {
                    var offset = ((ulong)(i * Threads) + (ulong)thread) * chunk;
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok, table.Map(new Iova(Start + offset), new PhysicalAddress(0x4000_1000 + offset), chunk, Protection.ReadWrite, ref gather));
                    table.FreeGathered(ref gather);
                }
            });
            ulong at = 0;
            foreach (var mapping in table.EnumerateMappings())
            {
                Assert.Equal(Start + at, mapping.Page.Value);
                Assert.Equal(0x4000_1000 + at, mapping.Address.Value);
                at += 1UL << mapping.PageShift;
            }

            Assert.Equal(20 * Threads * chunk, at);
        }
    }

    [Fact]
    public void Parts_of_one_large_page_are_unmapped_together()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<TFormat>(new TKind().NewFormat(machine), machine.Tables);
        const int pages = 4096;
        for (var round = 0; round < 60; round++)
        {
            var none = new InvalidationGather();
            Assert.Equal(Status.Ok, table.Map(new Iova(Start), new PhysicalAddress(0x4000_0000), pages * Page, Protection.ReadWrite, ref none));
            table.FreeGathered(ref none);
            Together(thread =>
            {
                for (var page = thread; page < pages; page += Threads * 5)
                {
                    var gather = new InvalidationGather();
                    Assert.Equal(Status.Ok, table.Unmap(new Iova(Start + ((ulong)page * Page)), Page, ref gather, out var unmapped));
                    Assert.Equal(Page, unmapped);
                    table.FreeGathered(ref gather);
                }
            });
            for (var page = 0; page < pages; page++)
            {
                var gone = page % (Threads * 5) < Threads;
                Assert.Equal(!gone, table.TryTranslate(new Iova(Start + ((ulong)page * Page)), out var translation));
                if (!gone)
                {
                    Assert.Equal(0x4000_0000 + ((ulong)page * Page), translation.Address.Value);
                    var gather = new InvalidationGather();
                    table.Unmap(new Iova(Start + ((ulong)page * Page)), Page, ref gather, out _);
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

public sealed class DeepConcurrencyTests : PageTableConcurrencyTests<DeepFormat, DeepKind>;
