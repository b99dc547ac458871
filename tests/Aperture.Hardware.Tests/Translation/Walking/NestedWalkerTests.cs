using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Hardware.Translation.Walking;
using Stage2Walker = Aperture.Hardware.Translation.Walking.TableWalker<
    Aperture.Core.PageTables.Formats.ArmLpaeFormat, Aperture.Hardware.Translation.Walking.BusTableReader>;
using TwoStages = Aperture.Hardware.Translation.Walking.TableWalker<
    Aperture.Core.PageTables.Formats.ArmLpaeFormat,
    Aperture.Hardware.Translation.Walking.TableWalker<
        Aperture.Core.PageTables.Formats.ArmLpaeFormat, Aperture.Hardware.Translation.Walking.BusTableReader>>;

namespace Aperture.Hardware.Tests.Translation.Walking;

/// <summary>Stage 1 tables in the memory of a guest, stage 2 tables of the host that say where that memory lies.</summary>
public sealed class NestedWalkerTests : IDisposable
{
    private const ulong GuestRam = 0x4000_0000; // as the guest sees it
    private const ulong GuestBytes = 8 << 20;
    private const ulong Page = 4096;

    private readonly WalkScene _guest = new(GuestRam, GuestBytes); // what the guest's software writes
    private readonly WalkScene _host = new(bytes: 256 << 20);      // what the machine has
    private readonly PageTable<ArmLpaeFormat> _stage1;
    private readonly PageTable<ArmLpaeFormat> _stage2;
    private readonly Dictionary<ulong, PhysicalAddress> _places = []; // where each page of guest memory with tables lies

    public NestedWalkerTests()
    {
        _stage1 = new(new(new() { InputBits = 39, OutputBits = 40, TracksDirty = true }), _guest.Tables);
        _stage2 = new(new(new() { Kind = ArmLpaeKind.Stage2, InputBits = 40, OutputBits = 48 }), _host.Tables);
    }

    public void Dispose()
    {
        _guest.Dispose();
        _host.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Finds_what_the_two_tables_say_one_after_the_other(int seed)
    {
        var random = new Random(seed);
        const ulong window = 0x10_0000_0000, span = 1UL << 30, outputs = 0x20_0000_0000;
        WalkScene.MapAtRandom(
            _stage2, random, outputs, span, [Protection.ReadWrite, Protection.Read],
            size => new PhysicalAddress((ulong)random.NextInt64(1L << 47) & ~(size - 1)));
        var places = _stage2.EnumerateMappings().ToArray();
        WalkScene.MapAtRandom(
            _stage1, random, window, span, [Protection.ReadWrite, Protection.Read, Protection.ReadWrite | Protection.NoExecute],
            size => new PhysicalAddress(WalkScene.Choose(places, random, outputs, span) & ~(size - 1)));
        var mappings = _stage1.EnumerateMappings().ToArray();
        MapGuest(random);
        var walker = Walker();
        int found = 0, first = 0, second = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var input = WalkScene.Choose(mappings, random, window, span);
            var access = new WalkAccess(random.Next(3) == 0, random.Next(8) == 0);
            var answered = walker.TryWalk(input, access, out var result, out var fault);
            var hasFirst = _stage1.TryTranslate(new Iova(input), out var one);
            if (!hasFirst || !access.IsAllowed(one.Protection))
            {
                first++;
                Assert.Equal(
                    (false, hasFirst ? WalkFaultKind.Permission : WalkFaultKind.NotMapped, 1, input),
                    (answered, fault.Kind, fault.Stage, fault.Address));
                continue;
            }

            var hasSecond = _stage2.TryTranslate(new Iova(one.Address.Value), out var two);
            if (!hasSecond || !access.IsAllowed(two.Protection))
            {
                second++;
                Assert.Equal(
                    (false, hasSecond ? WalkFaultKind.Permission : WalkFaultKind.NotMapped, 2, one.Address.Value, false),
                    (answered, fault.Kind, fault.Stage, fault.Address, fault.IsTableAccess));
                continue;
            }

            found++;
            Assert.True(answered);
            Assert.Equal((two.Address, Math.Min(one.PageShift, two.PageShift)), (result.Address, result.PageShift));
            Assert.Equal(one.Protection & two.Protection & Protection.ReadWrite, result.Protection & Protection.ReadWrite);
            Assert.Equal((one.Protection | two.Protection) & Protection.NoExecute, result.Protection & Protection.NoExecute);
        }

        Assert.True(found > 1000 && first > 1000 && second > 1000,
            $"seed {seed}: {found} found, {first} ended in stage 1, {second} in stage 2");
    }

    /// <summary>Every table of the walk in turn is where stage 2 says nothing of.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_table_that_stage_2_does_not_map_is_a_fault_of_stage_2_on_a_table(int level)
    {
        const ulong input = 0x12_3456_7000;
        Map(_stage1, input, 0x50_0000_0000, Protection.ReadWrite);
        MapGuest(new Random(level));
        Map(_stage2, 0x50_0000_0000, 0x9_0000_0000, Protection.ReadWrite);
        Assert.True(Walker().TryWalk(input + 8, new(IsWrite: true), out var result, out _));
        Assert.Equal(new PhysicalAddress(0x9_0000_0008), result.Address);

        var entry = EntryAt(input, level);
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, _stage2.Unmap(new Iova(entry.Value & ~(Page - 1)), Page, ref gather, out _));
        Assert.False(Walker().TryWalk(input + 8, default, out _, out var fault));
        Assert.Equal((WalkFaultKind.NotMapped, 2, entry.Value, true), (fault.Kind, fault.Stage, fault.Address, fault.IsTableAccess));
    }

    [Fact]
    public void A_flag_in_a_table_that_stage_2_forbids_to_write_is_a_permission_fault_of_stage_2_on_a_table()
    {
        const ulong input = 0x12_3456_7000;
        Map(_stage1, input, 0x50_0000_0000, Protection.ReadWrite | ArmLpaeFormat.Clean);
        MapGuest(new Random(1));
        Map(_stage2, 0x50_0000_0000, 0x9_0000_0000, Protection.ReadWrite);
        var entry = EntryAt(input, 2);
        var page = new Iova(entry.Value & ~(Page - 1));
        var gather = default(InvalidationGather);
        _stage2.Unmap(page, Page, ref gather, out _);
        _stage2.Map(page, _places[page.Value], Page, Protection.Read, ref gather);
        Assert.True(Walker(TableUpdates.Dirty).TryWalk(input, default, out _, out _)); // a read marks nothing
        Assert.False(Walker(TableUpdates.Dirty).TryWalk(input, new(IsWrite: true), out _, out var fault));
        Assert.Equal((WalkFaultKind.Permission, 2, entry.Value, true), (fault.Kind, fault.Stage, fault.Address, fault.IsTableAccess));
    }

    [Fact]
    public void A_write_that_stage_2_refuses_leaves_the_page_of_stage_1_clean_and_one_that_it_allows_marks_both()
    {
        const ulong input = 0x12_3456_7000;
        Map(_stage1, input, 0x50_0000_0000, Protection.ReadWrite | ArmLpaeFormat.Clean);
        MapGuest(new Random(1));
        Map(_stage2, 0x50_0000_0000, 0x9_0000_0000, Protection.Read);
        Assert.False(Walker(TableUpdates.Dirty | TableUpdates.Accessed).TryWalk(input, new(IsWrite: true), out _, out var fault));
        Assert.Equal((WalkFaultKind.Permission, 2, 0x50_0000_0000UL, false), (fault.Kind, fault.Stage, fault.Address, fault.IsTableAccess));
        var entry = EntryAt(input, 2);
        Assert.False(_stage1.Format.IsDirty(2, InHost(entry)));

        var gather = default(InvalidationGather);
        _stage2.Unmap(new Iova(0x50_0000_0000), Page, ref gather, out _);
        Map(_stage2, 0x50_0000_0000, 0x9_0000_0000, Protection.ReadWrite);
        Assert.True(Walker(TableUpdates.Dirty | TableUpdates.Accessed).TryWalk(input, new(IsWrite: true), out _, out _));
        Assert.True(_stage1.Format.IsDirty(2, InHost(entry)));
    }

    [Fact]
    public void A_bus_error_says_whose_table_it_was()
    {
        const ulong input = 0x12_3456_7000;
        Map(_stage1, input, 0x50_0000_0000, Protection.ReadWrite);
        MapGuest(new Random(1));

        // The guest's root is mapped to where the machine has nothing.
        var gather = default(InvalidationGather);
        _stage2.Unmap(new Iova(_stage1.Root.Value), Page, ref gather, out _);
        Map(_stage2, _stage1.Root.Value, 0x1000, Protection.ReadWrite);
        Assert.False(Walker().TryWalk(input, default, out _, out var fault));
        Assert.Equal(new WalkFault(WalkFaultKind.Bus, 1, 0, input), fault);

        // The host's own root is nowhere.
        var lost = new Stage2Walker(_stage2.Format, _host.Reader, new(0x1000), stage: 2);
        var walker = new TwoStages(_stage1.Format, lost, _stage1.Root);
        Assert.False(walker.TryWalk(input, default, out _, out fault));
        Assert.Equal((WalkFaultKind.Bus, 2, true), (fault.Kind, fault.Stage, fault.IsTableAccess));
    }

    private TwoStages Walker(TableUpdates updates = TableUpdates.None) => new(
        _stage1.Format, new Stage2Walker(_stage2.Format, _host.Reader, _stage2.Root, updates: updates, stage: 2), _stage1.Root,
            updates: updates);

    /// <summary>Puts the guest's memory somewhere in the machine's, page by page in any order, and tells stage 2.</summary>
    private void MapGuest(Random random)
    {
        var used = GuestBytes - (_guest.Pages.FreePages * Page);
        Assert.NotEqual(0UL, used);
        var pages = Enumerable.Range(0, (int)(used / Page) + 8).Select(number => GuestRam + ((ulong)number * Page)).ToArray();
        random.Shuffle(pages);
        foreach (var page in pages)
        {
            Assert.True(_host.Pages.TryAllocate(0, new(ulong.MaxValue), out var place));
            _guest.Memory.Span(new(page), (int)Page).CopyTo(_host.Memory.Span(place, (int)Page));
            Map(_stage2, page, place.Value, Protection.ReadWrite);
            _places.Add(page, place);
        }
    }

    /// <summary>Where stage 1 has its entry of a level, as the guest sees it.</summary>
    private PhysicalAddress EntryAt(ulong input, int level)
    {
        var table = _stage1.Root;
        for (var above = 0; ; above++)
        {
            var index = (input >> _stage1.Format.Shift(above)) & ((1UL << _stage1.Format.IndexBits(above)) - 1);
            if (above == level)
                return table + (index * 8);
            table = _stage1.Format.TableAddress(above, BitConverter.ToUInt64(_guest.Memory.Span(table + (index * 8), 8)));
        }
    }

    private ulong InHost(PhysicalAddress guest)
    {
        var page = guest.Value & ~(Page - 1);
        return BitConverter.ToUInt64(_host.Memory.Span(_places[page] + (guest.Value - page), 8));
    }

    private static void Map(PageTable<ArmLpaeFormat> table, ulong at, ulong output, Protection protection)
    {
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.Map(new Iova(at), new PhysicalAddress(output), Page, protection, ref gather));
    }
}
