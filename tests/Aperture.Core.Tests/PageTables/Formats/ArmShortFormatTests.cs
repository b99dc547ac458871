using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

public sealed class ArmShortFormatTests
{
    private const Protection Cached = Protection.ReadWrite | Protection.Cache;
    private const Protection Device = Protection.ReadWrite | Protection.Mmio;

    private static readonly ArmShortOptions s_mediaTek = new() { InputBits = 34, OutputBits = 35, MediaTek = true, HasPermissions = false };

    [Theory]
    [InlineData(1, 12, Protection.ReadWrite, 0xA000_9C72)]
    [InlineData(1, 12, Protection.Write, 0xA000_9C72)]
    [InlineData(1, 12, Protection.Read, 0xA000_9E72)]
    [InlineData(1, 12, Protection.Read | Protection.Privileged, 0xA000_9E52)]
    [InlineData(1, 12, Cached, 0xA000_9C7E)]
    [InlineData(1, 12, Device, 0xA000_9C36)]
    [InlineData(1, 12, Protection.ReadWrite | Protection.NoExecute, 0xA000_9C73)]
    [InlineData(1, 16, Protection.ReadWrite, 0xA012_1C31)]
    [InlineData(1, 16, Protection.Read, 0xA012_1E31)]
    [InlineData(1, 16, Protection.ReadWrite | Protection.NoExecute, 0xA012_9C31)]
    [InlineData(0, 20, Protection.ReadWrite, 0xA133_1C02)]
    [InlineData(0, 20, Protection.ReadWrite | Protection.NoExecute, 0xA133_1C12)]
    [InlineData(0, 24, Protection.ReadWrite, 0xA507_1C02)]
    [InlineData(0, 24, Device, 0xA507_0C06)]
    public void Leaves_are_the_recorded_words(int level, int shift, Protection protection, uint entry)
    {
        var format = new ArmShortFormat(new());
        var page = entry & (uint.MaxValue << shift);
        Assert.Equal(entry, format.MakeLeaf(level, shift, new PhysicalAddress(page), protection));
        Assert.Equal(EntryKind.Leaf, format.Classify(level, entry));
        Assert.Equal(shift, format.LeafShift(level, entry));
        Assert.Equal(page, format.LeafAddress(level, entry).Value);
        var effective = protection == Protection.Write ? Protection.ReadWrite : protection;
        Assert.Equal(effective, format.LeafProtection(level, entry));
    }

    [Theory]
    [InlineData(1, 12, 0xA000_9E62)]
    [InlineData(1, 16, 0xA012_1E21)]
    [InlineData(0, 20, 0xA133_1222)]
    [InlineData(0, 24, 0xA507_1222)]
    public void MediaTek_puts_address_bits_32_to_34_into_bits_9_4_5(int level, int shift, uint entry)
    {
        var format = new ArmShortFormat(s_mediaTek);
        var page = 0x5_0000_0000UL | (entry & (uint.MaxValue << shift));
        Assert.Equal(entry, format.MakeLeaf(level, shift, new PhysicalAddress(page), Protection.Read | Protection.NoExecute
            | Protection.Privileged));
        Assert.Equal(page, format.LeafAddress(level, entry).Value);
        Assert.Equal(Protection.ReadWrite, format.LeafProtection(level, entry));
        Assert.Equal(0x7_FFFF_F000UL, format.LeafAddress(1, 0xFFFF_FE72).Value);
    }

    [Fact]
    public void Links_hold_bits_31_to_10_and_MediaTeks_high_bits_where_wanted()
    {
        Assert.Equal(0x8000_4401UL, new ArmShortFormat(new()).MakeTable(0, new PhysicalAddress(0x8000_4400)));
        Assert.Equal(0x8000_4400UL, new ArmShortFormat(new()).TableAddress(0, 0x8000_47FD).Value);
        Assert.Equal(32, new ArmShortFormat(s_mediaTek).TableBits);

        var high = new ArmShortFormat(s_mediaTek with { MediaTekHighTables = true });
        Assert.Equal(35, high.TableBits);
        Assert.Equal(0x4001_0201UL, high.MakeTable(0, new PhysicalAddress(0x1_4001_0000)));
        Assert.Equal(0x1_4001_0000UL, high.TableAddress(0, 0x4001_0201).Value);
    }

    [Fact]
    public void Non_secure_sections_and_links_say_so()
    {
        var format = new ArmShortFormat(new() { NonSecure = true });
        Assert.Equal(0x8000_4009UL, format.MakeTable(0, new PhysicalAddress(0x8000_4000)));
        Assert.Equal(0xA13B_1C02UL, format.MakeLeaf(0, 20, new PhysicalAddress(0xA130_0000), Protection.ReadWrite));
        Assert.Equal(0xA50F_1C02UL, format.MakeLeaf(0, 24, new PhysicalAddress(0xA500_0000), Protection.ReadWrite));
        Assert.Equal(0xA000_9C72UL, format.MakeLeaf(1, 12, new PhysicalAddress(0xA000_9000), Protection.ReadWrite));
    }

    [Fact]
    public void Without_permissions_everything_can_be_read_and_written()
    {
        var format = new ArmShortFormat(new() { HasPermissions = false });
        Assert.Equal(0xA000_0C42UL, format.MakeLeaf(1, 12, new PhysicalAddress(0xA000_0000), Protection.Read | Protection.NoExecute));
        Assert.Equal(0xA003_1002UL, format.MakeLeaf(0, 20, new PhysicalAddress(0xA000_0000), Protection.Read));
        Assert.Equal(Protection.ReadWrite, format.LeafProtection(1, 0xA000_0C42));
        Assert.Equal(Protection.ReadWrite | Protection.Mmio, format.LeafProtection(1, 0xA000_0C06));
    }

    [Fact]
    public void A_page_without_the_access_flag_gives_no_access() =>
        Assert.Equal(Protection.None, new ArmShortFormat(new()).LeafProtection(1, 0xA000_9C62));

    [Theory]
    [InlineData(0, 0, EntryKind.Empty)]
    [InlineData(0, 0xA000_0003, EntryKind.Empty)]
    [InlineData(0, 0x8000_4001, EntryKind.Table)]
    [InlineData(1, 0xA000_0003, EntryKind.Leaf)]
    [InlineData(1, 0xA000_0004, EntryKind.Empty)]
    public void Kinds(int level, ulong entry, EntryKind kind) => Assert.Equal(kind, new ArmShortFormat(new()).Classify(level, entry));

    [Fact]
    public void Something_must_be_allowed_and_foreign_bits_are_refused()
    {
        var format = new ArmShortFormat(new());
        Assert.Equal(Status.Ok, format.CheckProtection(Protection.Read));
        Assert.Equal(Status.InvalidArgument, format.CheckProtection(Protection.None));
        Assert.Equal(Status.InvalidArgument, format.CheckProtection(Protection.Cache));
        Assert.Equal(Status.InvalidArgument, format.CheckProtection(Protection.Read | (Protection)(1u << 20)));
    }

    [Fact]
    public void Table_base_tells_how_walks_are_cached()
    {
        var root = new PhysicalAddress(0x8000_4000);
        Assert.Equal(0x8000_4002u, new ArmShortFormat(new()).TableBase(root));
        Assert.Equal(0x8000_406Au, new ArmShortFormat(new() { CoherentWalk = true }).TableBase(root));
        Assert.Equal(0x4000_0001u, new ArmShortFormat(s_mediaTek with { CoherentWalk = true })
            .TableBase(new PhysicalAddress(0x1_4000_0000)));
    }

    [Theory]
    [InlineData(33, 32, false, false, true)]
    [InlineData(24, 32, false, false, true)]
    [InlineData(32, 33, false, false, true)]
    [InlineData(32, 32, false, true, true)]
    [InlineData(34, 35, true, false, true)]
    [InlineData(35, 35, true, false, false)]
    [InlineData(34, 36, true, false, false)]
    public void What_does_not_go_together_is_refused(int input, int output, bool mediaTek, bool high, bool rights)
    {
        var options = new ArmShortOptions
        {
            InputBits = input,
            OutputBits = output,
            MediaTek = mediaTek,
            MediaTekHighTables = high,
            HasPermissions = rights
        };
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => new ArmShortFormat(options)).Status);
    }

    [Fact]
    public void Page_sizes_of_other_formats_are_left_out()
    {
        Assert.Equal(0x111_1000UL, new ArmShortFormat(new() { PageSizes = 0x131_1000 }).PageSizes);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => new ArmShortFormat(new() { PageSizes = 0x20_0000 })).Status);
    }

    [Theory]
    [InlineData(ArmShortHalf.Whole, 32, 0, 0xFFFF_FFFF, 16384, 0)]
    [InlineData(ArmShortHalf.Whole, 31, 0, 0x7FFF_FFFF, 8192, 0)]
    [InlineData(ArmShortHalf.Lower, 31, 0, 0x7FFF_FFFF, 8192, 1)]
    [InlineData(ArmShortHalf.Lower, 25, 0, 0x1FF_FFFF, 128, 7)]
    [InlineData(ArmShortHalf.Upper, 31, 0x8000_0000, 0xFFFF_FFFF, 16384, 1)]
    [InlineData(ArmShortHalf.Upper, 25, 0x200_0000, 0xFFFF_FFFF, 16384, 7)]
    public void The_two_tables_of_a_context_share_the_space(ArmShortHalf half, int bits, ulong first, ulong last, int rootBytes,
        uint control)
    {
        using var machine = new TestMachine();
        var format = new ArmShortFormat(new() { InputBits = bits, Half = half });
        Assert.Equal(control, format.TableControl);
        Assert.Equal(rootBytes, format.TableAlignment(0));
        using var table = new PageTable<ArmShortFormat>(format, machine.Tables);
        Assert.Equal(rootBytes, table.CountTables().Bytes);
        const ulong page = 4096;
        Assert.Equal(Status.Ok, Map(table, first, page));
        Assert.Equal(Status.Ok, Map(table, last - 4095, page));
        Assert.Equal([first, last - 4095], table.EnumerateMappings().Select(mapping => mapping.Page.Value));
        Assert.True(table.TryTranslate(new Iova(last), out _));
        Assert.False(table.TryTranslate(new Iova(last + 1), out _));
        Assert.False(table.TryTranslate(new Iova(first - 1), out _));
        Assert.Equal(Status.OutOfRange, Map(table, first - page, page));
        Assert.Equal(Status.OutOfRange, Map(table, last + 1, page));
        Assert.Equal(Status.OutOfRange, Map(table, last - 4095, 2 * page));
        Assert.Equal(Status.OutOfRange, Map(table, first - page, 2 * page));
    }

    [Fact]
    public void Only_the_sizes_wanted_are_used()
    {
        using var machine = new TestMachine();
        using var table = new PageTable<ArmShortFormat>(new ArmShortFormat(new() { PageSizes = 0x11_0000 }), machine.Tables);
        Assert.Equal(Status.InvalidArgument, Map(table, 0x1000, 0x1000));
        Assert.Equal(Status.Ok, Map(table, 0x100_0000, 0x101_0000));
        Assert.Equal([20, 16], table.EnumerateMappings().Select(mapping => mapping.PageShift).Distinct());
    }

    private static Status Map(PageTable<ArmShortFormat> table, ulong iova, ulong size)
    {
        var gather = new InvalidationGather();
        return table.Map(new Iova(iova), new PhysicalAddress(0x4000_0000), size, Protection.ReadWrite, ref gather);
    }
}
