using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

public sealed class RockchipFormatTests
{
    private static readonly RockchipFormat s_v1 = new(isWide: false);
    private static readonly RockchipFormat s_v2 = new(isWide: true);

    [Theory]
    [InlineData(0xA000_0000, Protection.None, 0xA000_0001)]
    [InlineData(0xA000_3000, Protection.Read, 0xA000_3003)]
    [InlineData(0xA000_6000, Protection.Write, 0xA000_6005)]
    [InlineData(0xFFFF_F000, Protection.ReadWrite, 0xFFFF_F007)]
    public void V1_leaves_are_the_recorded_words(ulong page, Protection rights, ulong entry) => CheckLeaf(s_v1, page, rights, entry);

    [Theory]
    [InlineData(0xBA_CAFE_B000, Protection.None, 0xCAFE_BAB1)]
    [InlineData(0x12_A000_3000, Protection.Read, 0xA000_3213)]
    [InlineData(0x12_A000_6000, Protection.Write, 0xA000_6215)]
    [InlineData(0xFF_FFFF_F000, Protection.ReadWrite, 0xFFFF_FFF7)]
    [InlineData(0x01_0000_0000, Protection.ReadWrite, 0x0000_0107)]
    [InlineData(0x10_0000_0000, Protection.ReadWrite, 0x0000_0017)]
    public void V2_leaves_are_the_recorded_words(ulong page, Protection rights, ulong entry) => CheckLeaf(s_v2, page, rights, entry);

    [Fact]
    public void Links_have_the_same_form_without_rights()
    {
        Assert.Equal(0x8000_1001UL, s_v1.MakeTable(0, new PhysicalAddress(0x8000_1000)));
        Assert.Equal(0x8000_1211UL, s_v2.MakeTable(0, new PhysicalAddress(0x12_8000_1000)));
        Assert.Equal(0x12_8000_1000UL, s_v2.TableAddress(0, 0x8000_1211).Value);
        Assert.Equal(0x8000_1000UL, s_v1.TableAddress(0, 0x8000_1FFF).Value);
        Assert.Equal(EntryKind.Table, s_v2.Classify(0, 0x8000_1211));
    }

    [Fact]
    public void Without_the_valid_bit_there_is_nothing()
    {
        Assert.Equal(EntryKind.Empty, s_v1.Classify(0, 0x8000_1000));
        Assert.Equal(EntryKind.Empty, s_v1.Classify(1, 0xA000_0006));
        Assert.Equal(EntryKind.Empty, s_v2.Classify(1, s_v2.EmptyEntry(1)));
    }

    [Fact]
    public void Attributes_are_passed_over_and_format_bits_refused()
    {
        Assert.Equal(0xA000_0007UL,
            s_v1.MakeLeaf(1, 12, new PhysicalAddress(0xA000_0000), Protection.ReadWrite | Protection.Cache | Protection.NoExecute
            | Protection.Mmio));
        Assert.Equal(Status.Ok, s_v1.CheckProtection(Protection.None));
        Assert.Equal(Status.InvalidArgument, s_v2.CheckProtection(Protection.Read | (Protection)(1u << 16)));
    }

    private static void CheckLeaf(RockchipFormat format, ulong page, Protection rights, ulong entry)
    {
        Assert.Equal(entry, format.MakeLeaf(1, 12, new PhysicalAddress(page), rights));
        Assert.Equal(EntryKind.Leaf, format.Classify(1, entry));
        Assert.Equal(page, format.LeafAddress(1, entry).Value);
        Assert.Equal(rights, format.LeafProtection(1, entry));
        Assert.Equal(12, format.LeafShift(1, entry));
        format.LeafPattern(1, 12, out var mask, out var value);
        Assert.Equal(value, entry & mask);
    }
}
