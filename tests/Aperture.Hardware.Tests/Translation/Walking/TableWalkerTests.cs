using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Hardware.Translation.Walking;

namespace Aperture.Hardware.Tests.Translation.Walking;

public sealed class TableWalkerTests : IDisposable
{
    private const Protection ReadOnly = Protection.Read;
    private const Protection Both = Protection.ReadWrite;

    private readonly WalkScene _scene = new();

    public static TheoryData<int> Seeds => [1, 2, 3];

    public void Dispose() => _scene.Dispose();

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Finds_what_the_tables_say_Lpae_stage_1(int seed) => Agrees(
        new ArmLpaeFormat(new() { InputBits = 39, OutputBits = 40, Contiguous = true }), seed, 0x40_0000_0000 - (4UL << 30), 4UL << 30,
        [Both, ReadOnly, Both | Protection.Privileged, Both | Protection.NoExecute, Both | Protection.Cache]);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Finds_what_the_tables_say_Lpae_stage_2(int seed) => Agrees(
        new ArmLpaeFormat(new() { Kind = ArmLpaeKind.Stage2, InputBits = 40, OutputBits = 44 }), seed, 0x10_0000_0000, 4UL << 30,
        [Both, ReadOnly, Protection.Write]);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Finds_what_the_tables_say_Lpae_upper_half(int seed) => Agrees(
        new ArmLpaeFormat(new() { InputBits = 39, Upper = true, TracksDirty = true }), seed, 0xFFFF_FFFF_0000_0000, 4UL << 30,
            [Both, ReadOnly]);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Finds_what_the_tables_say_Lpae_16K(int seed) => Agrees(
        new ArmLpaeFormat(new() { PageSizes = ArmLpaeOptions.Granule16K }), seed, 0x1000_0000, 1UL << 30, [Both, ReadOnly]);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Finds_what_the_tables_say_Amd(int seed) => Agrees(
        new AmdV1Format(3), seed, 0x1_0000_0000, 1UL << 30, [Both, ReadOnly, Protection.Write]);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Finds_what_the_tables_say_Arm_short(int seed) => Agrees(
        new ArmShortFormat(new()), seed, 0xC000_0000, 1UL << 30,
            [Both, ReadOnly, Both | Protection.Privileged, Both | Protection.NoExecute]);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Finds_what_the_tables_say_Omap(int seed) => Agrees(default(OmapFormat), seed, 0xC000_0000, 1UL << 30, [Both]);

    [Theory]
    [InlineData(4UL << 20, true)]
    [InlineData((1UL << 39) - 4096, true)]
    [InlineData(1UL << 39, false)]
    [InlineData(ulong.MaxValue, false)]
    public void An_address_that_a_growing_table_does_not_reach_is_not_mapped(ulong at, bool isReached)
    {
        using var table = new PageTable<AmdV1Format>(new AmdV1Format(3), _scene.Tables);
        if (isReached)
            Map(table, at & ~0xFFFUL, Both);
        Assert.Equal(3, table.RootLevel);
        var walker = _scene.Walker(table);
        Assert.Equal(isReached, walker.TryWalk(at, default, out _, out var fault));
        Assert.Equal(isReached ? default : new WalkFault(WalkFaultKind.NotMapped, 1, 3, at), fault);
    }

    [Fact]
    public void Rights_are_those_of_the_page()
    {
        using var table = new PageTable<ArmLpaeFormat>(new(new()), _scene.Tables);
        Map(table, 0x1000, Both | Protection.Privileged | Protection.NoExecute);
        Map(table, 0x2000, ReadOnly);
        var walker = _scene.Walker(table);
        Assert.Equal(WalkFaultKind.Permission, Fault(walker, 0x1000, default).Kind);
        Assert.Equal(WalkFaultKind.Permission, Fault(walker, 0x1000, new(IsFetch: true, IsPrivileged: true)).Kind);
        Assert.Equal(WalkFaultKind.None, Fault(walker, 0x1000, new(IsWrite: true, IsPrivileged: true)).Kind);
        Assert.Equal(WalkFaultKind.None, Fault(walker, 0x2000, new(IsFetch: true)).Kind);
        Assert.Equal(new WalkFault(WalkFaultKind.Permission, 1, 3, 0x2008), Fault(walker, 0x2008, new(IsWrite: true)));
        Assert.Equal(new WalkFault(WalkFaultKind.NotMapped, 1, 3, 0x3000), Fault(walker, 0x3000, default));
        Assert.Equal(new WalkFault(WalkFaultKind.NotMapped, 1, 2, 0x20_0000), Fault(walker, 0x20_0000, default));
        Assert.Equal(new WalkFault(WalkFaultKind.NotMapped, 1, 0, 1UL << 48), Fault(walker, 1UL << 48, default));
    }

    [Fact]
    public void Rights_that_links_take_away_were_granted()
    {
        using var arm = new PageTable<ArmLpaeFormat>(new(new()), _scene.Tables);
        Map(arm, 0x1000, Both);
        CheckLink(arm, entry => entry | 1UL << 62, new WalkAccess(IsWrite: true), default); // APTable[1]
        CheckLink(arm, entry => entry | 1UL << 61, default, new WalkAccess(IsPrivileged: true)); // APTable[0]
        CheckLink(arm, entry => entry | 1UL << 60, new WalkAccess(IsFetch: true), default); // UXNTable
        var stage2 = new ArmLpaeOptions { Kind = ArmLpaeKind.Stage2 };
        using var second = new PageTable<ArmLpaeFormat>(new(stage2), _scene.Tables);
        Map(second, 0x1000, Both);
        Set(second, entry => entry | 7UL << 60);
        Assert.Equal(WalkFaultKind.None, Fault(_scene.Walker(second), 0x1000, new(IsWrite: true)).Kind);
        using var amd = new PageTable<AmdV1Format>(new AmdV1Format(3), _scene.Tables);
        Map(amd, 0x1000, Both);
        CheckLink(amd, entry => entry & ~(1UL << 62), new WalkAccess(IsWrite: true), default); // IW
        CheckLink(amd, entry => entry & ~(1UL << 61), default, new WalkAccess(IsWrite: true)); // IR
        using var tegra = new PageTable<TegraFormat>(new TegraFormat(32), _scene.Tables);
        Map(tegra, 0x1000, Both);
        CheckLink(tegra, entry => entry & ~(1UL << 30), new WalkAccess(IsWrite: true), default);
        CheckLink(tegra, entry => entry & ~(1UL << 31), default, new WalkAccess(IsWrite: true));
    }

    /// <summary>Changes the first link of a table, and sets it back.</summary>
    private void CheckLink<TFormat>(PageTable<TFormat> table, Func<ulong, ulong> change, WalkAccess refused, WalkAccess allowed)
        where TFormat : struct, IPageTableFormat
    {
        Assert.Equal(WalkFaultKind.None, Fault(_scene.Walker(table), 0x1000, refused).Kind);
        var before = Set(table, change);
        Assert.Equal(WalkFaultKind.Permission, Fault(_scene.Walker(table), 0x1000, refused).Kind);
        Assert.True(_scene.Walker(table).TryWalk(0x1000, allowed, out var result, out _));
        Assert.False(refused.IsAllowed(result.Protection));
        Set(table, _ => before);
    }

    private ulong Set<TFormat>(PageTable<TFormat> table, Func<ulong, ulong> change)
        where TFormat : struct, IPageTableFormat
    {
        var bytes = table.Format.EntryBytes;
        var entry = _scene.Memory.Span(table.Root, bytes);
        var before = bytes == 8 ? BitConverter.ToUInt64(entry) : BitConverter.ToUInt32(entry);
        BitConverter.GetBytes(change(before)).AsSpan(0, bytes).CopyTo(entry);
        return before;
    }

    [Fact]
    public void A_table_that_is_not_in_RAM_is_a_bus_fault_of_its_level()
    {
        using var table = new PageTable<ArmLpaeFormat>(new(new()), _scene.Tables);
        Map(table, 0x1000, Both);
        BitConverter.TryWriteBytes(_scene.Memory.Span(table.Root, 8), table.Format.MakeTable(0, new(0x1000)));
        Assert.Equal(new WalkFault(WalkFaultKind.Bus, 1, 1, 0x1000), Fault(_scene.Walker(table), 0x1000, default));
        var nowhere = new TableWalker<ArmLpaeFormat, BusTableReader>(table.Format, _scene.Reader, new(0x1000));
        Assert.Equal(new WalkFault(WalkFaultKind.Bus, 1, 0, 0x1000), Fault(nowhere, 0x1000, default));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_access_flag_is_a_fault_or_is_set(bool isSection)
    {
        using var table = new PageTable<ArmShortFormat>(new(new()), _scene.Tables);
        var size = isSection ? 1UL << 20 : 4096;
        Map(table, 0x10_0000, Both, size);
        ref var entry = ref EntryOf(table, 0x10_0000, isSection);
        var flag = isSection ? 1u << 10 : 1u << 4;
        Assert.NotEqual(0u, entry & flag);
        entry &= ~flag;
        var level = isSection ? 0 : 1;
        Assert.Equal(new WalkFault(WalkFaultKind.AccessFlag, 1, level, 0x10_0004), Fault(_scene.Walker(table), 0x10_0004, default));
        Assert.False(table.TryTranslate(new(0x10_0004), out var before) && (before.Protection & Both) != 0);
        Assert.Equal(default, Fault(_scene.Walker(table, TableUpdates.Accessed), 0x10_0004, default));
        Assert.NotEqual(0u, entry & flag);
        Assert.True(table.TryTranslate(new(0x10_0004), out var found));
        Assert.Equal(Both, found.Protection & Both);
    }

    [Fact]
    public void Amd_marks_what_was_used_and_written_and_minds_no_clear_flag()
    {
        using var table = new PageTable<AmdV1Format>(new(3), _scene.Tables);
        Map(table, 0x1000, Both);
        Map(table, 0x2000, Both);
        Map(table, 0x3000, ReadOnly);
        var plain = _scene.Walker(table);
        Assert.Equal(default, Fault(plain, 0x1000, new(IsWrite: true)));
        Assert.Empty(Dirty(table));
        var marking = _scene.Walker(table, TableUpdates.Accessed | TableUpdates.Dirty);
        Assert.Equal(default, Fault(marking, 0x1000, default));
        Assert.Empty(Dirty(table));
        Assert.Equal(default, Fault(marking, 0x2000, new(IsWrite: true)));
        Assert.Equal(WalkFaultKind.Permission, Fault(marking, 0x3000, new(IsWrite: true)).Kind);
        Assert.Equal([0x2000UL], Dirty(table));
        Assert.Empty(Dirty(table)); // reading made it clean
        Assert.Equal(default, Fault(marking, 0x2000, new(IsWrite: true)));
        Assert.Equal([0x2000UL], Dirty(table));
    }

    [Fact]
    public void Lpae_marks_a_clean_page_when_it_is_written()
    {
        using var table = new PageTable<ArmLpaeFormat>(new(new() { TracksDirty = true }), _scene.Tables);
        Map(table, 0x1000, Both | ArmLpaeFormat.Clean);
        var marking = _scene.Walker(table, TableUpdates.Dirty);
        Assert.Equal(default, Fault(marking, 0x1000, default));
        Assert.Empty(Dirty(table, 0x1000));
        Assert.Equal(default, Fault(marking, 0x1000, new(IsWrite: true)));
        Assert.Equal([0x1000UL], Dirty(table, 0x1000));
    }

    [Fact]
    public void A_walker_that_snoops_sees_tables_that_nobody_cleaned_and_marks_them_for_the_CPU()
    {
        using var scene = new WalkScene(caches: new CpuCacheOptions());
        using var table = new PageTable<AmdV1Format>(new(3), new UncleanedTables(scene.Tables));
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.Map(new(0x1000), new(0x1234_5000), 4096, Both, ref gather));
        var snooping = new BusTableReader(scene.Bus, isCoherent: true);
        var blind = new TableWalker<AmdV1Format, BusTableReader>(table.Format, scene.Reader, table.Root, table.RootLevel);
        var seeing = new TableWalker<AmdV1Format, BusTableReader>(
            table.Format, snooping, table.Root, table.RootLevel, TableUpdates.Accessed | TableUpdates.Dirty);
        Assert.Equal(WalkFaultKind.NotMapped, Fault(blind, 0x1000, default).Kind);
        Assert.True(seeing.TryWalk(0x1008, new(IsWrite: true), out var result, out _));
        Assert.Equal(new PhysicalAddress(0x1234_5008), result.Address);
        Assert.Equal([0x1000UL], Dirty(table, 0x1000));
    }

    private static void Agrees<TFormat>(TFormat format, int seed, ulong window, ulong span, Protection[] rights)
        where TFormat : struct, IPageTableFormat
    {
        using var scene = new WalkScene();
        using var table = new PageTable<TFormat>(format, scene.Tables);
        var random = new Random(seed);
        var outputs = ulong.MaxValue >> (64 - Math.Min(format.OutputBits, 62));
        WalkScene.MapAtRandom(
            table, random, window, span, rights, size => new PhysicalAddress((ulong)random.NextInt64((long)outputs) & ~(size - 1)));
        var walker = scene.Walker(table);
        var mappings = table.EnumerateMappings().ToArray();
        var mapped = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var input = WalkScene.Choose(mappings, random, window, span);
            var isMapped = table.TryTranslate(new Iova(input), out var expected);
            mapped += isMapped ? 1 : 0;
            var access = new WalkAccess(random.Next(2) == 0, random.Next(8) == 0, random.Next(2) == 0);
            var isFound = walker.TryWalk(input, access, out var result, out var fault);
            if (isMapped && access.IsAllowed(expected.Protection))
                Assert.Equal((expected.Address, expected.PageShift, expected.Protection),
                    (result.Address, result.PageShift, result.Protection));
            else
            {
                var kind = isMapped ? WalkFaultKind.Permission : WalkFaultKind.NotMapped;
                Assert.Equal((false, kind, 1, input), (isFound, fault.Kind, fault.Stage, fault.Address));
            }
        }

        Assert.InRange(mapped, 2_000, 19_900); // both answers were asked for
    }

    private static WalkFault Fault<TFormat, TReader>(TableWalker<TFormat, TReader> walker, ulong input, WalkAccess access)
        where TFormat : struct, IPageTableFormat
        where TReader : struct, ITableReader
    {
        walker.TryWalk(input, access, out _, out var fault);
        return fault;
    }

    private static void Map<TFormat>(PageTable<TFormat> table, ulong at, Protection protection, ulong size = 4096)
        where TFormat : struct, IPageTableFormat
    {
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok,
            table.Map(new Iova(at), new PhysicalAddress(0x4000_0000 + (at & 0xFFF_F000)), size, protection, ref gather));
    }

    private static List<ulong> Dirty<TFormat>(PageTable<TFormat> table, ulong size = 0x3000)
        where TFormat : struct, IPageTableFormat
    {
        var written = new WrittenList();
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.ReadDirty(new Iova(0x1000), size, true, ref written, ref gather));
        return written.Pages;
    }

    private ref uint EntryOf(PageTable<ArmShortFormat> table, uint at, bool isSection)
    {
        ref var first = ref Word(table.Root + ((at >> 20) * 4));
        if (isSection)
            return ref first;
        return ref Word(table.Format.TableAddress(0, first) + (((at >> 12) & 0xFF) * 4));
    }

    private ref uint Word(PhysicalAddress at) =>
        ref System.Runtime.InteropServices.MemoryMarshal.AsRef<uint>(_scene.Memory.Span(at, 4));

    /// <summary>Tables of a unit that is said to snoop: nobody cleans them.</summary>
    private sealed class UncleanedTables(TableAllocator tables) : ITableMemory
    {
        public PhysicalMemory Memory => tables.Memory;

        public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table) =>
            tables.TryAllocate(bytes, alignment, addressBits, out table);

        public void Free(PhysicalAddress table, int bytes) => tables.Free(table, bytes);

        public void Clean(PhysicalAddress start, int bytes)
        {
        }
    }
}
