using System.Runtime.InteropServices;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables;

/// <summary>A walker that does not snoop sees each change, whole tables only, and exact ranges are cleaned.</summary>
public abstract class PageTableOrderTests<TFormat, TKind>
    where TFormat : struct, IPageTableFormat
    where TKind : TableKind<TFormat>, new()
{
    private static readonly TKind s_kind = new();

    [Fact]
    public void A_walker_never_follows_a_link_to_what_was_not_cleaned()
    {
        using var machine = new TestMachine(ramBytes: 4 << 20);
        var memory = new RecordingTableMemory(machine);
        var format = s_kind.NewFormat(machine);
        var (start, page) = (s_kind.Window(format), TablePages.Of(format));
        using var table = new PageTable<TFormat>(format, memory);
        memory.OnClean = (_, _) => WalkAll(memory, format, table.Root, table.RootLevel, isWholeTree: false);
        var random = new Random(1);
        for (var i = 0; i < 400; i++)
        {
            int[] sizes = [1, 3, 16, 20, 256, 300, 4096];
            var size = (ulong)sizes[random.Next(sizes.Length)] * page;
            var iova = new Iova(start + ((ulong)random.Next(8192) * page)).AlignDown(random.Next(2) == 0 ? page : 256 * page);
            var gather = new InvalidationGather();
            if (random.Next(2) == 0)
                table.Map(iova, new PhysicalAddress(iova.Value % (1UL << 29) + 0x2000_0000), size, Protection.ReadWrite, ref gather);
            else
                table.Unmap(iova, size, ref gather, out _);
            WalkAll(memory, format, table.Root, table.RootLevel, isWholeTree: true);
            table.FreeGathered(ref gather);
            WalkAll(memory, format, table.Root, table.RootLevel, isWholeTree: true);
        }
    }

    [Fact]
    public void A_run_is_cleaned_once_and_exactly()
    {
        using var machine = new TestMachine(ramBytes: 4 << 20);
        var memory = new RecordingTableMemory(machine);
        var format = s_kind.NewFormat(machine);
        var (window, page) = (s_kind.Window(format), TablePages.Of(format));
        using var table = new PageTable<TFormat>(format, memory);
        var gather = new InvalidationGather();
        table.Map(new Iova(window), new PhysicalAddress(0x4000_0000), page, Protection.ReadWrite, ref gather);
        memory.Cleaned.Clear();

        table.Map(new Iova(window + (3 * page)), new PhysicalAddress(0x4000_0000), 7 * page, Protection.ReadWrite, ref gather);
        var (start, bytes) = Assert.Single(memory.Cleaned);
        Assert.Equal(7 * table.Format.EntryBytes, bytes);
        Assert.Equal(3 * (ulong)table.Format.EntryBytes, start.Value % 1024);

        memory.Cleaned.Clear();
        table.Unmap(new Iova(window + (4 * page)), 5 * page, ref gather, out _);
        Assert.Equal((start + (ulong)table.Format.EntryBytes, 5 * table.Format.EntryBytes), Assert.Single(memory.Cleaned));
    }

    [Fact]
    public void A_table_that_was_unlinked_stays_empty_and_taken_until_it_is_freed()
    {
        using var machine = new TestMachine(ramBytes: 4 << 20);
        var memory = new RecordingTableMemory(machine);
        var format = s_kind.NewFormat(machine);
        var (start, page) = (s_kind.Window(format), TablePages.Of(format));
        using var table = new PageTable<TFormat>(format, memory);
        var gather = new InvalidationGather();
        table.Map(new Iova(start), new PhysicalAddress(0x4000_0000), page, Protection.ReadWrite, ref gather);
        Assert.True(gather.TablesChanged);
        var inUse = machine.Tables.BytesInUse;
        gather = new InvalidationGather();
        table.Unmap(new Iova(start), page, ref gather, out _);
        Assert.Equal(format.Reclaim == TableReclaim.WhenEmpty, gather.TablesChanged);
        Assert.Equal(inUse, machine.Tables.BytesInUse);
        table.FreeGathered(ref gather);
        Assert.Equal(format.Reclaim == TableReclaim.WhenEmpty, machine.Tables.BytesInUse < inUse);
    }

    /// <summary>Somebody maps into a table between the moment when another call linked it and the moment when that cleans the
    /// link.</summary>
    [Fact]
    public void Who_maps_into_a_table_that_is_just_being_linked_can_rely_on_the_link()
    {
        using var machine = new TestMachine(ramBytes: 4 << 20);
        var memory = new RecordingTableMemory(machine);
        var format = s_kind.NewFormat(machine);
        var (start, page) = (s_kind.Window(format), TablePages.Of(format));
        using var table = new PageTable<TFormat>(format, memory);
        ulong other = 0;
        memory.BeforeClean = (_, _) =>
        {
            // Not again for the cleans of this call, and only where the table is linked already.
            var hook = memory.BeforeClean;
            memory.BeforeClean = null;
            var gather = new InvalidationGather();
            other += page;
            Assert.Equal(Status.Ok,
                table.Map(new Iova(start + other), new PhysicalAddress(0x4000_0000), page, Protection.ReadWrite, ref gather));
            Assert.True(IsSeen(memory, format, table.Root, table.RootLevel, start + other));
            memory.BeforeClean = hook;
        };
        var gathered = new InvalidationGather();
        Assert.Equal(Status.Ok, table.Map(new Iova(start), new PhysicalAddress(0x4000_0000), page, Protection.ReadWrite, ref gathered));
        Assert.True(other > page);
        Assert.True(IsSeen(memory, format, table.Root, table.RootLevel, start));
    }

    /// <summary>Whether a walker that does not snoop finds a page.</summary>
    private static bool IsSeen(RecordingTableMemory memory, TFormat format, PhysicalAddress table, int level, ulong iova)
    {
        while (true)
        {
            var index = (int)(iova >> format.Shift(level)) & ((1 << format.IndexBits(level)) - 1);
            var seen = memory.Seen(table + (ulong)(index * format.EntryBytes), format.EntryBytes);
            var entry = format.EntryBytes == 4 ? MemoryMarshal.Read<uint>(seen) : MemoryMarshal.Read<ulong>(seen);
            var kind = format.Classify(level, entry);
            if (kind != EntryKind.Table)
                return kind == EntryKind.Leaf;
            table = format.TableAddress(level, entry);
            level++;
        }
    }

    private static void WalkAll(RecordingTableMemory memory, TFormat format, PhysicalAddress table, int level, bool isWholeTree)
    {
        var bytes = format.EntryBytes << format.IndexBits(level);
        var seen = memory.Seen(table, bytes);
        if (isWholeTree && !seen.SequenceEqual(memory.Memory.Span(table, bytes)))
            Assert.Fail($"something in the table at {table} was never cleaned");
        for (var i = 0; i < bytes; i += format.EntryBytes)
        {
            var entry = format.EntryBytes == 4 ? MemoryMarshal.Read<uint>(seen[i..]) : MemoryMarshal.Read<ulong>(seen[i..]);
            if ((uint)entry == 0xADAD_ADAD)
                Assert.Fail($"a walker reads rubbish in the table at {table}");
            if (format.Classify(level, entry) == EntryKind.Table)
                WalkAll(memory, format, format.TableAddress(level, entry), level + 1, isWholeTree);
        }
    }
}

public sealed class OmapOrderTests : PageTableOrderTests<OmapFormat, OmapKind>;

public sealed class ExynosV1OrderTests : PageTableOrderTests<ExynosFormat, ExynosV1Kind>;

public sealed class ArmShortOrderTests : PageTableOrderTests<ArmShortFormat, ArmShortKind>;

public sealed class Lpae4KOrderTests : PageTableOrderTests<ArmLpaeFormat, Lpae4KKind>;

public sealed class LpaeContiguousOrderTests : PageTableOrderTests<ArmLpaeFormat, LpaeContiguousKind>;

public sealed class LpaeContiguousDirtyOrderTests : PageTableOrderTests<ArmLpaeFormat, LpaeContiguousDirtyKind>;

public sealed class Lpae16KStage2OrderTests : PageTableOrderTests<ArmLpaeFormat, Lpae16KStage2Kind>;

public sealed class Lpae64KOrderTests : PageTableOrderTests<ArmLpaeFormat, Lpae64KKind>;

public sealed class AmdOrderTests : PageTableOrderTests<AmdV1Format, AmdKind>;

public sealed class TegraOrderTests : PageTableOrderTests<TegraFormat, TegraKind>;

public sealed class DeepOrderTests : PageTableOrderTests<DeepFormat, DeepKind>;
