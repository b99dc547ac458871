using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

public sealed class ArmLpaeFormatTests
{
    private const Protection Cached = Protection.ReadWrite | Protection.Cache;
    private const Protection Device = Protection.ReadWrite | Protection.Mmio;
    private const ulong NoExecute = 3UL << 53;

    private static readonly ArmLpaeFormat s_stage1 = new(new());
    private static readonly ArmLpaeFormat s_stage2 = new(new() { Kind = ArmLpaeKind.Stage2 });
    private static readonly ArmLpaeFormat s_mali = new(new() { Kind = ArmLpaeKind.Mali, OutputBits = 40 });

    [Theory]
    [InlineData(Cached, 0xF47)]
    [InlineData(Protection.Read | Protection.Cache, 0xFC7)]
    [InlineData(Protection.ReadWrite, 0xE43)]
    [InlineData(Protection.Write, 0xE43)]
    [InlineData(Device, 0xE4B)]
    [InlineData(Device | Protection.Cache, 0xF4B)]
    [InlineData(Cached | Protection.Privileged, 0xF07)]
    [InlineData(Cached | Protection.NoExecute, 0xF47 | NoExecute)]
    public void Stage_1(Protection protection, ulong bits) =>
        AssertLeaf(s_stage1, protection, bits, protection == Protection.Write ? Protection.ReadWrite : protection);

    [Theory]
    [InlineData(Cached, 0x7FF)]
    [InlineData(Protection.Read | Protection.Cache, 0x77F)]
    [InlineData(Protection.ReadWrite, 0x6D7)]
    [InlineData(Protection.Write, 0x697)]
    [InlineData(Device, 0x6C7)]
    [InlineData(Device | Protection.Cache, 0x7C7)]
    public void Stage_2(Protection protection, ulong bits) => AssertLeaf(s_stage2, protection, bits, protection);

    [Theory]
    [InlineData(Cached, 0x2C5)]
    [InlineData(Protection.Read, 0x241)]
    [InlineData(Protection.Write, 0x281)]
    [InlineData(Device, 0x2C9)]
    [InlineData(Protection.ReadWrite | Protection.NoExecute, 0x2C1 | NoExecute)]
    public void Mali(Protection protection, ulong bits) => AssertLeaf(s_mali, protection, bits, protection);

    [Fact]
    public void Blocks_and_pages_differ_in_their_type_but_for_Mali()
    {
        Assert.Equal(1UL, s_stage1.MakeLeaf(2, 21, default, Protection.Read) & 3);
        Assert.Equal(3UL, s_stage1.MakeLeaf(3, 12, default, Protection.Read) & 3);
        Assert.Equal(1UL, s_mali.MakeLeaf(3, 12, default, Protection.Read) & 3);
        Assert.Equal(EntryKind.Empty, s_stage1.Classify(3, 1));  // reserved
        Assert.Equal(EntryKind.Empty, s_stage1.Classify(0, 1));  // no block so large
        Assert.Equal(EntryKind.Empty, s_mali.Classify(3, 3));
        Assert.Equal(EntryKind.Table, s_mali.Classify(2, 3));
        Assert.Equal(EntryKind.Empty, s_stage1.Classify(2, 2));
    }

    [Fact]
    public void A_leaf_without_the_access_flag_gives_no_access_but_for_Mali()
    {
        Assert.Equal(Protection.None, s_stage1.LeafProtection(3, 0xA43) & Protection.ReadWrite);
        Assert.Equal(Protection.ReadWrite, s_mali.LeafProtection(3, 0x2C1));
    }

    [Fact]
    public void Links_carry_what_walks_need()
    {
        var table = new PhysicalAddress(0x8000_1000);
        Assert.Equal(0x0080_0000_8000_1003UL, s_stage1.MakeTable(0, table));
        Assert.Equal(0x8000_1003UL, new ArmLpaeFormat(new() { CoherentWalk = true }).MakeTable(0, table));
        var secure = new ArmLpaeFormat(new() { NonSecure = true, CoherentWalk = true });
        Assert.Equal(0x8000_0000_8000_1003UL, secure.MakeTable(0, table));
        Assert.Equal(0x5A11_0000_0EE3UL, secure.MakeLeaf(3, 12, new PhysicalAddress(0x5A11_0000_0000), Protection.Read));
    }

    [Fact]
    public void Address_bits_51_to_48_lie_in_bits_15_to_12()
    {
        var format = new ArmLpaeFormat(new() { InputBits = 52, OutputBits = 52, PageSizes = ArmLpaeOptions.Granule64K });
        var page = new PhysicalAddress(0x000F_1234_5678_0000);
        var leaf = format.MakeLeaf(2, 16, page, Protection.ReadWrite);
        Assert.Equal(0x0000_1234_5678_FE43UL, leaf);
        Assert.Equal(page, format.LeafAddress(2, leaf));
        Assert.Equal(page, format.TableAddress(0, format.MakeTable(0, page)));
    }

    [Theory]
    [InlineData(12, 32, 3, 4)]
    [InlineData(12, 36, 3, 64)]
    [InlineData(12, 39, 3, 512)]
    [InlineData(12, 40, 4, 2)]
    [InlineData(12, 42, 4, 8)]
    [InlineData(12, 44, 4, 32)]
    [InlineData(12, 48, 4, 512)]
    [InlineData(12, 52, 4, 512)]
    [InlineData(14, 36, 2, 2048)]
    [InlineData(14, 40, 3, 16)]
    [InlineData(14, 48, 4, 2)]
    [InlineData(16, 42, 2, 8192)]
    [InlineData(16, 48, 3, 64)]
    [InlineData(16, 52, 3, 1024)]
    public void Geometry_of_stage_1(int granule, int input, int levels, int rootEntries)
    {
        var format = new ArmLpaeFormat(new() { InputBits = input, PageSizes = Sizes(granule) });
        Assert.Equal((levels, rootEntries), (format.Levels, 1 << format.IndexBits(0)));
        Assert.Equal(4 - levels, format.FirstLookupLevel);
        Assert.Equal(64 - Math.Min(input, granule == 16 ? 52 : 48), format.Control.Size);
    }

    [Theory]
    [InlineData(12, 36, 3, 64, 1)]
    [InlineData(12, 39, 3, 512, 1)]
    [InlineData(12, 40, 3, 1024, 1)]
    [InlineData(12, 42, 3, 4096, 1)]
    [InlineData(12, 43, 3, 8192, 1)]
    [InlineData(12, 44, 4, 32, 2)]
    [InlineData(12, 48, 4, 512, 2)]
    [InlineData(14, 40, 3, 16, 2)]
    [InlineData(14, 48, 3, 4096, 2)]
    [InlineData(16, 42, 2, 8192, 1)]
    [InlineData(16, 52, 3, 1024, 2)]
    public void A_short_root_of_stage_2_becomes_tables_side_by_side(int granule, int input, int levels, int rootEntries, int start)
    {
        var format = new ArmLpaeFormat(new() { Kind = ArmLpaeKind.Stage2, InputBits = input, PageSizes = Sizes(granule) });
        Assert.Equal((levels, rootEntries, start), (format.Levels, 1 << format.IndexBits(0), format.Control.StartLevel));
        Assert.Equal(rootEntries * 8, format.TableAlignment(0));
    }

    [Theory]
    [InlineData(12, false, false, false, 0, 2, 0, 0)]
    [InlineData(12, false, true, false, 0, 3, 1, 1)]
    [InlineData(12, true, true, false, 2, 3, 1, 1)]
    [InlineData(14, false, false, true, 2, 2, 0, 1)]
    [InlineData(14, true, false, false, 1, 2, 0, 0)]
    [InlineData(16, false, false, false, 1, 2, 0, 0)]
    [InlineData(16, true, false, false, 3, 2, 0, 0)]
    public void Control_fields(int granule, bool upper, bool coherent, bool outer, int tg, int sh, int irgn, int orgn)
    {
        var format = new ArmLpaeFormat(
            new()
            {
                InputBits = 39,
                OutputBits = 42,
                PageSizes = Sizes(granule),
                Upper = upper,
                CoherentWalk = coherent,
                OuterWriteBack = outer
            });
        Assert.Equal(new ArmLpaeControl(25, tg, 3, sh, irgn, orgn, 0), format.Control);
        Assert.Equal(upper ? ulong.MaxValue << 39 : 0, format.InputStart);
    }

    [Theory]
    [InlineData(0x2201_4000, 0x200_4000)]
    [InlineData(0x4020_1000, 0x4020_1000)]
    [InlineData(0x400_2001_0000, 0x2001_0000)]
    [InlineData(0x4021_1000, 0x4020_1000)]
    public void The_granule_follows_from_the_sizes(ulong wanted, ulong sizes) =>
        Assert.Equal(sizes, new ArmLpaeFormat(new() { PageSizes = wanted }).PageSizes);

    [Fact]
    public void Contiguous_sizes_are_those_of_the_architecture()
    {
        Assert.Equal(ArmLpaeOptions.Granule4K | 1UL << 16 | 1UL << 25 | 1UL << 34, Contiguous(12, 48));
        Assert.Equal(ArmLpaeOptions.Granule4K | 1UL << 16 | 1UL << 25, Contiguous(12, 32)); // a root of four entries holds no sixteen
        Assert.Equal(ArmLpaeOptions.Granule16K | 1UL << 21 | 1UL << 30, Contiguous(14, 48));
        Assert.Equal((ArmLpaeOptions.Granule64K & ~(1UL << 42)) | 1UL << 21 | 1UL << 34, Contiguous(16, 48));
    }

    [Fact]
    public void A_contiguous_page_is_entries_that_go_on()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<ArmLpaeFormat>(new ArmLpaeFormat(new() { InputBits = 32, Contiguous = true }), machine.Tables);
        var gather = new InvalidationGather();
        Assert.Equal(Status.Ok,
            table.Map(new Iova(0x1_0000), new PhysicalAddress(0x4003_0000), 0x2_0000, Protection.ReadWrite, ref gather));
        var last = BitConverter.ToUInt64(machine.Memory.Span(table.Root, 8)) & 0xFFFF_F000;
        last = BitConverter.ToUInt64(machine.Memory.Span(new PhysicalAddress(last), 8)) & 0xFFFF_F000;
        for (ulong i = 0; i < 32; i++)
            Assert.Equal(0x0010_0000_4003_0E43 + (i << 12),
                BitConverter.ToUInt64(machine.Memory.Span(new PhysicalAddress(last + 0x80 + (i * 8)), 8)));

        Assert.Equal(Status.Ok, table.Unmap(new Iova(0x1_5000), 0x1000, ref gather, out _));
        for (ulong i = 0; i < 16; i++)
            Assert.Equal(i == 5 ? 0 : 0x4003_0E43 + (i << 12),
                BitConverter.ToUInt64(machine.Memory.Span(new PhysicalAddress(last + 0x80 + (i * 8)), 8)));
        Assert.Equal(0x0010_0000_4004_0E43UL, BitConverter.ToUInt64(machine.Memory.Span(new PhysicalAddress(last + 0x100), 8)));
    }

    [Fact]
    public void Twenty_leaves_for_gigabytes_with_edges()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<ArmLpaeFormat>(s_stage1, machine.Tables);
        var gather = new InvalidationGather();
        Assert.Equal(Status.Ok,
            table.Map(new Iova(0x3_FE40_0000), new PhysicalAddress(0x3_FE40_0000), 0xC220_0000, Protection.ReadWrite, ref gather));
        var shifts = table.EnumerateMappings().Select(mapping => mapping.PageShift).ToList();
        Assert.Equal((20, 3, 17), (shifts.Count, shifts.Count(shift => shift == 30), shifts.Count(shift => shift == 21)));
    }

    [Theory]
    [InlineData(33, 1)]
    [InlineData(39, 1)]
    [InlineData(40, 2)]
    [InlineData(48, 512)]
    public void The_walk_of_a_Mali_began_below_level_0_when_its_addresses_were_short(int inputBits, int used)
    {
        using var machine = new TestMachine();
        var format = new ArmLpaeFormat(new() { Kind = ArmLpaeKind.Mali, InputBits = inputBits, OutputBits = 40 });
        using var table = new PageTable<ArmLpaeFormat>(format, machine.Tables);
        var gather = new InvalidationGather();
        Assert.Equal((0, 4, 9), (format.FirstLookupLevel, format.Levels, format.IndexBits(0)));
        var last = (1UL << inputBits) - 0x1000;
        Assert.Equal(Status.Ok, table.Map(new Iova(last), new PhysicalAddress(0x8000_0000), 0x1000, Protection.ReadWrite, ref gather));
        Assert.Equal(Status.OutOfRange,
            table.Map(new Iova(last + 0x1000), new PhysicalAddress(0x8000_0000), 0x1000, Protection.ReadWrite, ref gather));
        var entries = Enumerable.Range(0, 512).Where(i => machine.Word(table.Root + (ulong)(i * 8)) != 0);
        Assert.Equal([used - 1], entries);
        Assert.Equal(4, table.CountTables().Tables);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(15)]
    public void Any_entry_of_a_contiguous_page_makes_it_dirty(int entry)
    {
        using var machine = new TestMachine();
        var format = new ArmLpaeFormat(new() { InputBits = 32, Contiguous = true, TracksDirty = true });
        using var table = new PageTable<ArmLpaeFormat>(format, machine.Tables);
        var gather = new InvalidationGather();
        table.Map(new Iova(0x1_0000), new PhysicalAddress(0x8001_0000), 0x2_0000, Protection.ReadWrite, ref gather);
        Assert.Equal([16, 16], table.EnumerateMappings().Select(mapping => mapping.PageShift));
        Span<byte> bits = stackalloc byte[4];
        var written = new DirtyBitmap(bits, new Iova(0x1_0000), 0x1000);
        Assert.Equal(Status.Ok, table.ReadDirty(new Iova(0x1_0000), 0x2_0000, true, ref written, ref gather));
        bits.Clear(); // a new page counts as written: nobody has looked before
        Assert.Equal(Status.Ok, table.ReadDirty(new Iova(0x1_0000), 0x2_0000, true, ref written, ref gather));
        Assert.Equal([0, 0, 0, 0], bits.ToArray());

        // The hardware takes "read only" away from the entry that it walked, where bit 51 allows it (Arm ARM D5, DBM).
        var place = LastTable(machine, table) + (ulong)((16 + entry) * 8);
        machine.Poke(place, machine.Word(place) & ~(1u << 7));
        gather = default;
        Assert.Equal(Status.Ok, table.ReadDirty(new Iova(0x1_0000), 0x2_0000, false, ref written, ref gather));
        Assert.True(gather.IsEmpty);
        Assert.Equal(Status.Ok, table.ReadDirty(new Iova(0x1_0000), 0x2_0000, true, ref written, ref gather));
        Assert.Equal([0xFF, 0xFF, 0, 0], bits.ToArray());
        Assert.Equal((0x1_0000ul, 0x1_FFFFul, 16),
            (gather.AsSpan()[0].Start.Value, gather.AsSpan()[0].Last.Value, gather.AsSpan()[0].PageShift));
        bits.Clear();
        Assert.Equal(Status.Ok, table.ReadDirty(new Iova(0x1_0000), 0x2_0000, true, ref written, ref gather));
        Assert.Equal(0, bits[0] | bits[1]);
    }

    /// <summary>The table of pages behind the first entry in use of each table from the root on.</summary>
    private static PhysicalAddress LastTable(TestMachine machine, PageTable<ArmLpaeFormat> table)
    {
        var at = table.Root;
        for (var level = 0; level < table.Format.Levels - 1; level++)
        {
            var place = at;
            while (machine.Word(place) == 0)
                place += 8;
            at = table.Format.TableAddress(level, BitConverter.ToUInt64(machine.Memory.Span(place, 8)));
        }

        return at;
    }

    [Theory]
    [InlineData(ArmLpaeKind.Stage1In32, 33, 40)]
    [InlineData(ArmLpaeKind.Stage1In32, 32, 42)]
    [InlineData(ArmLpaeKind.Stage2In32, 42, 40)]
    [InlineData(ArmLpaeKind.Mali, 49, 40)]
    [InlineData(ArmLpaeKind.Mali, 48, 42)]
    [InlineData(ArmLpaeKind.Stage1, 48, 41)]
    [InlineData(ArmLpaeKind.Stage1, 12, 48)]
    public void Sizes_of_addresses_that_are_refused(ArmLpaeKind kind, int input, int output) =>
        AssertRefused(new() { Kind = kind, InputBits = input, OutputBits = output });

    [Fact]
    public void Settings_that_are_refused()
    {
        AssertRefused(new() { PageSizes = 0x20_0000 });
        AssertRefused(new() { PageSizes = 0x2000 | ArmLpaeOptions.Granule16K });
        AssertRefused(new() { OuterWriteBack = true, CoherentWalk = true });
        AssertRefused(new() { Kind = ArmLpaeKind.Stage2, NonSecure = true });
        AssertRefused(new() { Kind = ArmLpaeKind.Stage2, Upper = true });
        AssertRefused(new() { Kind = ArmLpaeKind.Mali, OutputBits = 40, TracksDirty = true });
        AssertRefused(new() { Kind = ArmLpaeKind.Stage2In32, InputBits = 32, OutputBits = 40, TracksDirty = true });
        AssertRefused(new() { Kind = ArmLpaeKind.Stage1In32, InputBits = 32, OutputBits = 40, PageSizes = ArmLpaeOptions.Granule16K });
    }

    /// <summary>Stage 2 has a right to write where stage 1 has one to read only: bit 7 means the opposite (Arm ARM D8.5.3).</summary>
    [Fact]
    public void Stage_2_is_written_where_its_right_to_write_is_set_beside_bit_51()
    {
        var format = new ArmLpaeFormat(new() { Kind = ArmLpaeKind.Stage2, TracksDirty = true });
        var level = format.Levels - 1;
        const ulong Rights = 1UL << 51 | 0xC0;
        const Protection All = Protection.ReadWrite | ArmLpaeFormat.Clean;
        ulong[] leaves = [.. new[] { Protection.ReadWrite, All, Protection.Read }.Select(
            protection => format.MakeLeaf(level, 12, new PhysicalAddress(0x8000_0000), protection))];
        Assert.Equal([Rights, Rights & ~0x80UL, 0x40], leaves.Select(leaf => leaf & Rights));
        Assert.Equal([true, false, false], leaves.Select(leaf => format.IsDirty(level, leaf)));
        Assert.Equal([leaves[1], leaves[1], leaves[2]], leaves.Select(leaf => format.MakeClean(level, leaf)));
        Assert.Equal([leaves[0], leaves[0], leaves[2]], leaves.Select(leaf => format.MakeDirty(level, leaf)));
        Assert.Equal([Protection.ReadWrite, All, Protection.Read], leaves.Select(leaf => format.LeafProtection(level, leaf) & All));
    }

    [Fact]
    public void Something_must_be_allowed_and_foreign_bits_are_refused()
    {
        Assert.Equal(Status.InvalidArgument, s_stage1.CheckProtection(Protection.Cache));
        Assert.Equal(Status.InvalidArgument, s_stage1.CheckProtection(Protection.Read | ArmLpaeFormat.Clean));
        Assert.Equal(Status.Ok, new ArmLpaeFormat(new() { TracksDirty = true })
            .CheckProtection(Protection.ReadWrite | ArmLpaeFormat.Clean));
    }

    [Fact]
    public void A_Mali_takes_its_table_with_the_address_mode()
    {
        Assert.Equal(0x8000_0007UL, s_mali.MaliTableBase(new PhysicalAddress(0x8000_0000)));
        Assert.Equal(0x8000_0017UL, new ArmLpaeFormat(new() { Kind = ArmLpaeKind.Mali, OutputBits = 40, CoherentWalk = true })
            .MaliTableBase(new PhysicalAddress(0x8000_0000)));
    }

    private static ulong Contiguous(int granule, int input) =>
        new ArmLpaeFormat(new() { InputBits = input, PageSizes = Sizes(granule), Contiguous = true }).PageSizes;

    private static ulong Sizes(int granule) =>
        granule switch { 12 => ArmLpaeOptions.Granule4K, 14 => ArmLpaeOptions.Granule16K, _ => ArmLpaeOptions.Granule64K };

    private static void AssertLeaf(ArmLpaeFormat format, Protection protection, ulong bits, Protection effective)
    {
        var page = new PhysicalAddress(0x11_0000_0000);
        var leaf = format.MakeLeaf(3, 12, page, protection);
        Assert.Equal(page.Value | bits, leaf);
        Assert.Equal(page, format.LeafAddress(3, leaf));
        Assert.Equal(effective, format.LeafProtection(3, leaf));
    }

    private static void AssertRefused(ArmLpaeOptions options) =>
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => new ArmLpaeFormat(options)).Status);
}
