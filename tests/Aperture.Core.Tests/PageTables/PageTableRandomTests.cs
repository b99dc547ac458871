using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Xunit.Abstractions;

namespace Aperture.Core.Tests.PageTables;

/// <summary>Random operations against the oracle. A million were run for each format by hand.</summary>
public abstract class PageTableRandomTests<TFormat, TKind>(ITestOutputHelper output)
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private const int Operations = 150_000;
    private const int WindowPages = 96 << 8;

    private static readonly int[] s_sizes = [1, 1, 1, 2, 3, 8, 15, 16, 16, 17, 32, 100, 255, 256, 256, 257, 512, 4096, 4097];

    [Fact]
    public void Random_operations_agree_with_the_oracle()
    {
        var random = new Random(Seed());
        RunAll(random, Operations, (operations, run) => run(operations));
    }

    [Fact]
    public void Random_operations_of_threads_that_take_turns_agree_with_the_oracle()
    {
        // Long turns, after which the table is another thread's; then short ones, after which it is everybody's.
        var random = new Random(Seed());
        using var turns = new Turns(3);
        RunAll(random, Operations / 5, (operations, run) =>
        {
            var longest = 4000;
            while (operations > 0)
            {
                var turn = Math.Min(operations, random.Next(1, longest));
                turns.Run(random.Next(turns.Threads), () => run(turn));
                operations -= turn;
                longest = Math.Max(longest - 100, 20);
            }
        });
    }

    private int Seed()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        return seed;
    }

    /// <summary>Runs random operations on a table.</summary>
    /// <param name="random">Where they come from.</param>
    /// <param name="operations">How many.</param>
    /// <param name="divide">Is given the number and what runs so many of them.</param>
    private static void RunAll(Random random, int operations, Action<int, Action<int>> divide)
    {
        using var machine = new TestMachine();
        var kind = new TKind();
        var format = kind.NewFormat(machine);
        var before = machine.Tables.BytesInUse;
        var oracle = new PageOracle(kind.Window(format), WindowPages, TablePages.Of(format));
        using (var table = new PageTable<TFormat>(format, machine.Tables))
        {
            divide(operations, count =>
            {
                for (var i = 0; i < count; i++)
                    Operate(random, table, oracle);
            });

            oracle.CheckAll(table);
            UnmapAll(table);
            if (format.Reclaim == TableReclaim.WhenEmpty)
                Assert.Equal(1, table.CountTables().Tables);
        }

        Assert.Equal(before, machine.Tables.BytesInUse);
    }

    private static void Operate(Random random, PageTable<TFormat> table, PageOracle oracle)
    {
        switch (random.Next(10))
        {
            case < 3:
                Map(random, table, oracle);
                break;
            case < 4:
                MapPages(random, table, oracle);
                break;
            case < 7:
                Unmap(random, table, oracle);
                break;
            default:
                oracle.Check(table, oracle.Start + ((ulong)random.Next(WindowPages) * oracle.PageBytes) + (ulong)random.Next(4096));
                break;
        }

        if (random.Next(10_000) == 0)
            oracle.CheckAll(table);
    }

    private static int Place(Random random, ref int count)
    {
        count = s_sizes[random.Next(s_sizes.Length)];
        var align = random.Next(4) switch
        {
            0 => 1,
            1 => 16,
            2 => 256,
            _ => Math.Min((int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count), 4096),
        };
        var page = random.Next(WindowPages) & -align;
        count = Math.Min(count, WindowPages - page);
        return page;
    }

    private static void Map(Random random, PageTable<TFormat> table, PageOracle oracle)
    {
        var count = 0;
        var page = Place(random, ref count);
        var align = random.Next(4) switch { 0 => 1, 1 => 16, 2 => 256, _ => 4096 };
        var physical = (ulong)((random.Next(0x8_0000) & -align) + (page & (align - 1))) * oracle.PageBytes;
        var protection = (Protection)random.Next(1, 4);
        var effective = Effective(table.Format, protection);
        var gather = new InvalidationGather();
        var status = table.Map(new Iova(oracle.Start + ((ulong)page * oracle.PageBytes)), new PhysicalAddress(physical),
            (ulong)count * oracle.PageBytes, protection, ref gather);
        table.FreeGathered(ref gather);
        var expected = oracle.TryMap(page, physical, count, effective) ? Status.Ok : Status.AlreadyExists;
        if (status != expected)
            Assert.Fail($"map of {count} pages at page {page}: expected {expected}, got {status}");
    }

    private static void MapPages(Random random, PageTable<TFormat> table, PageOracle oracle)
    {
        var count = 0;
        var page = Place(random, ref count);
        var pages = new PhysicalAddress[count];
        foreach (ref var physical in pages.AsSpan())
            physical = new PhysicalAddress((ulong)random.Next(0x8_0000) * oracle.PageBytes);
        var protection = (Protection)random.Next(1, 4);
        var gather = new InvalidationGather();
        var iova = new Iova(oracle.Start + ((ulong)page * oracle.PageBytes));
        var status = table.MapPages(iova, pages, protection, ref gather);
        table.FreeGathered(ref gather);
        var expected = oracle.TryMapPages(page, pages, Effective(table.Format, protection)) ? Status.Ok : Status.AlreadyExists;
        if (status != expected)
            Assert.Fail($"map of {count} single pages at page {page}: expected {expected}, got {status}");
    }

    private static void Unmap(Random random, PageTable<TFormat> table, PageOracle oracle)
    {
        var count = 0;
        var page = Place(random, ref count);
        var start = oracle.Start + ((ulong)page * oracle.PageBytes);
        var gather = new InvalidationGather();
        var status = table.Unmap(new Iova(start), (ulong)count * oracle.PageBytes, ref gather, out var unmapped);
        var expected = (ulong)oracle.Unmap(page, count) * oracle.PageBytes;
        if (status != Status.Ok || unmapped != expected)
            Assert.Fail($"unmap of {count} pages at page {page}: expected 0x{expected:x}, got {status}, 0x{unmapped:x}");

        var covered = start;
        foreach (var range in gather.AsSpan())
        {
            if (range.Start.Value <= covered && range.Start.Value + range.Length > covered)
                covered = range.Start.Value + range.Length;
        }

        if (unmapped != 0 && covered < start + unmapped)
            Assert.Fail($"unmap of {count} pages at page {page}: the gather ends at 0x{covered:x}");
        table.FreeGathered(ref gather);
    }

    private static void UnmapAll(PageTable<TFormat> table)
    {
        foreach (var mapping in table.EnumerateMappings().ToList())
        {
            var gather = new InvalidationGather();
            Assert.Equal(Status.Ok, table.Unmap(mapping.Page, 1UL << mapping.PageShift, ref gather, out _));
            table.FreeGathered(ref gather);
        }

        Assert.Empty(table.EnumerateMappings());
    }

    private static Protection Effective(TFormat format, Protection protection)
    {
        var shift = System.Numerics.BitOperations.TrailingZeroCount(format.PageSizes);
        var level = format.LevelOfPage(shift);
        return format.LeafProtection(level, format.MakeLeaf(level, shift, default, protection));
    }
}

public sealed class OmapRandomTests(ITestOutputHelper output) : PageTableRandomTests<OmapFormat, OmapKind>(output);

public sealed class ExynosV1RandomTests(ITestOutputHelper output) : PageTableRandomTests<ExynosFormat, ExynosV1Kind>(output);

public sealed class ExynosV5RandomTests(ITestOutputHelper output) : PageTableRandomTests<ExynosFormat, ExynosV5Kind>(output);

public sealed class ArmShortRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmShortFormat, ArmShortKind>(output);

public sealed class MediaTekRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmShortFormat, MediaTekKind>(output);

public sealed class ArmShortUpperRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmShortFormat, ArmShortUpperKind>(output);

public sealed class Lpae4KRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmLpaeFormat, Lpae4KKind>(output);

public sealed class Lpae4KUpperDirtyRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmLpaeFormat,
    Lpae4KUpperDirtyKind>(output);

public sealed class LpaeContiguousRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmLpaeFormat, LpaeContiguousKind>(output);

public sealed class LpaeContiguousDirtyRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmLpaeFormat,
    LpaeContiguousDirtyKind>(output);

public sealed class Lpae16KStage2RandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmLpaeFormat, Lpae16KStage2Kind>(output);

public sealed class Lpae64KRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmLpaeFormat, Lpae64KKind>(output);

public sealed class MaliRandomTests(ITestOutputHelper output) : PageTableRandomTests<ArmLpaeFormat, MaliKind>(output);

public sealed class AmdRandomTests(ITestOutputHelper output) : PageTableRandomTests<AmdV1Format, AmdKind>(output);

public sealed class AmdGrowingRandomTests(ITestOutputHelper output) : PageTableRandomTests<AmdV1Format, AmdGrowingKind>(output);

public sealed class TegraRandomTests(ITestOutputHelper output) : PageTableRandomTests<TegraFormat, TegraKind>(output);

public sealed class DeepRandomTests(ITestOutputHelper output) : PageTableRandomTests<DeepFormat, DeepKind>(output);

public sealed class DeepKeepingRandomTests(ITestOutputHelper output) : PageTableRandomTests<DeepFormat, DeepKeepingKind>(output);

public sealed class RockchipV1RandomTests(ITestOutputHelper output) : PageTableRandomTests<RockchipFormat, RockchipV1Kind>(output);

public sealed class RockchipV2RandomTests(ITestOutputHelper output) : PageTableRandomTests<RockchipFormat, RockchipV2Kind>(output);
