using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>The n-th table allocation fails, for every n: nothing leaks, nothing is half mapped.</summary>
public abstract class PageTableFailureTests<TFormat, TKind>
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private const int TableMemory = 1 << 21; // tables come from the lowest addresses; all of them lie in here

    // Page, pages, first page of memory; no memory: unmap.
    private static readonly (int Page, int Count, int? Physical)[] s_workload =
    [
        (0, 1, 0x20000),
        (200, 600, 0x30008), // four tables
        (150, 100, 0x40000), // collides: rolled back
        (1200, 200, 0x40010), // an old table or a new one
        (1000, 500, 0x50000), // collides after new tables
        (4096, 4096, 0x60000), // one large page, or many
        (4096 + 300, 1, null), // a part of it
        (4096 + 1024, 1050, null), // from border to middle
        (4096 + 2300, 1000, null), // from middle to middle
        (210, 300, null),
        (210, 300, 0x70003),
        (8192, 16 + 256 + 5, 0x80000),
        (8192 + 3, 2, null),
        (16384, 256, 0x90000),
        (16384 + 7, 9, null),
        (0, 200, null),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_failing_allocation_leaves_all_as_it_was(bool byPages)
    {
        var failures = 0;
        for (var n = 1; Run(n, byPages, ref failures); n++)
            Assert.True(n < 1000, "the workload never ends");
        Assert.True(failures > 4, $"only {failures} failures were injected");
    }

    private static bool Run(int failAt, bool byPages, ref int failures)
    {
        using var machine = new TestMachine();
        var kind = new TKind();
        var format = kind.NewFormat(machine);
        var before = machine.Tables.BytesInUse;
        machine.Tables.FailAllocation = failAt;
        var failed = false;
        try
        {
            using var table = new PageTable<TFormat>(format, machine.Tables);
            var oracle = new PageOracle(kind.Window(format), 24576, TablePages.Of(format));
            foreach (var step in s_workload)
                failed |= Do(machine, table, oracle, step, byPages);
        }
        catch (ApertureException e) when (e.Status == Status.NoMemory)
        {
            failed = true; // the root
        }

        Assert.Equal(before, machine.Tables.BytesInUse);
        failures += failed ? 1 : 0;
        return failed;
    }

    private static bool Do(
        TestMachine machine, PageTable<TFormat> table, PageOracle oracle, (int Page, int Count, int? Physical) step, bool byPages)
    {
        var iova = new Iova(oracle.Start + ((ulong)step.Page * oracle.PageBytes));
        var size = (ulong)step.Count * oracle.PageBytes;
        var memory = machine.Copy(machine.Ram.Start, TableMemory);
        var tables = table.CountTables();
        var rootLevel = table.RootLevel;
        var bytes = machine.Tables.BytesInUse;
        var gather = new InvalidationGather();
        Status status;
        var changed = true;
        if (step.Physical is { } physical)
        {
            var protection = Protection.ReadWrite;
            status = byPages
                ? table.MapPages(iova, PagesFrom(physical, step.Count, oracle.PageBytes), protection, ref gather)
                : table.Map(iova, new PhysicalAddress((ulong)physical * oracle.PageBytes), size, protection, ref gather);
            if (status == Status.NoMemory)
                changed = false;
            else
                Assert.Equal(oracle.TryMap(step.Page, (ulong)physical * oracle.PageBytes, step.Count, protection) ? Status.Ok
                    : Status.AlreadyExists, status);
            changed &= status == Status.Ok;
        }
        else
        {
            status = table.Unmap(iova, size, ref gather, out var unmapped);
            Assert.True(status is Status.Ok or Status.NoMemory, status.ToString());
            if (status == Status.NoMemory)
                Assert.Equal(unmapped, (ulong)oracle.Unmap(step.Page, (int)(unmapped / oracle.PageBytes)) * oracle.PageBytes);
            else
                Assert.Equal((ulong)oracle.Unmap(step.Page, step.Count) * oracle.PageBytes, unmapped);
            changed = unmapped != 0;
        }

        table.FreeGathered(ref gather);
        oracle.CheckAll(table);
        if (!changed && table.RootLevel == rootLevel) // a level that was put on top stays
        {
            Assert.Equal(tables, table.CountTables());
            Assert.Equal(bytes, machine.Tables.BytesInUse);
            AssertSameTables(memory, machine.Copy(machine.Ram.Start, TableMemory), table.Format);
        }

        return status == Status.NoMemory;
    }

    private static PhysicalAddress[] PagesFrom(int first, int count, ulong bytes) =>
        [.. Enumerable.Range(first, count).Select(page => new PhysicalAddress((ulong)page * bytes))];

    /// <summary>A table that was made and given back holds empty entries, which need not be zero.</summary>
    private static void AssertSameTables(byte[] before, byte[] after, TFormat format)
    {
        for (var i = 0; i < before.Length; i += format.EntryBytes)
        {
            var (was, now) = (Entry(before, i, format), Entry(after, i, format));
            if (was != now && !(was == 0 && now == format.EmptyEntry(1)))
                Assert.Fail($"table memory at +0x{i:x}: 0x{was:x} became 0x{now:x}");
        }
    }

    private static ulong Entry(byte[] bytes, int at, TFormat format) =>
        format.EntryBytes == 4 ? BitConverter.ToUInt32(bytes, at) : BitConverter.ToUInt64(bytes, at);
}

public sealed class OmapFailureTests : PageTableFailureTests<OmapFormat, OmapKind>;

public sealed class ExynosV1FailureTests : PageTableFailureTests<ExynosFormat, ExynosV1Kind>;

public sealed class ExynosV5FailureTests : PageTableFailureTests<ExynosFormat, ExynosV5Kind>;

public sealed class ArmShortFailureTests : PageTableFailureTests<ArmShortFormat, ArmShortKind>;

public sealed class MediaTekFailureTests : PageTableFailureTests<ArmShortFormat, MediaTekKind>;

public sealed class Lpae4KFailureTests : PageTableFailureTests<ArmLpaeFormat, Lpae4KKind>;

public sealed class Lpae4KUpperDirtyFailureTests : PageTableFailureTests<ArmLpaeFormat, Lpae4KUpperDirtyKind>;

public sealed class LpaeContiguousFailureTests : PageTableFailureTests<ArmLpaeFormat, LpaeContiguousKind>;

public sealed class LpaeContiguousDirtyFailureTests : PageTableFailureTests<ArmLpaeFormat, LpaeContiguousDirtyKind>;

public sealed class Lpae16KStage2FailureTests : PageTableFailureTests<ArmLpaeFormat, Lpae16KStage2Kind>;

public sealed class Lpae64KFailureTests : PageTableFailureTests<ArmLpaeFormat, Lpae64KKind>;

public sealed class AmdFailureTests : PageTableFailureTests<AmdV1Format, AmdKind>;

public sealed class AmdGrowingFailureTests : PageTableFailureTests<AmdV1Format, AmdGrowingKind>;

public sealed class TegraFailureTests : PageTableFailureTests<TegraFormat, TegraKind>;

public sealed class DeepFailureTests : PageTableFailureTests<DeepFormat, DeepKind>;

public sealed class DeepKeepingFailureTests : PageTableFailureTests<DeepFormat, DeepKeepingKind>;

public sealed class RockchipFailureTests : PageTableFailureTests<RockchipFormat, RockchipV2Kind>;
