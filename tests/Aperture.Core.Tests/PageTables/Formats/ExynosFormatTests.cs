using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

public sealed class ExynosFormatTests
{
    private static readonly ExynosFormat s_v1 = new(isWide: false, new PhysicalAddress(0x8000_0000));
    private static readonly ExynosFormat s_v5 = new(isWide: true, new PhysicalAddress(0x8_8000_0000));

    [Theory]
    [InlineData(12, 0xA000_0000, Protection.None, Protection.None, 0xA000_0002)]
    [InlineData(12, 0xA000_3000, Protection.Read, Protection.Read, 0xA000_3212)]
    [InlineData(12, 0xA000_6000, Protection.Write, Protection.ReadWrite, 0xA000_6012)]
    [InlineData(12, 0xA000_9000, Protection.ReadWrite, Protection.ReadWrite, 0xA000_9012)]
    [InlineData(16, 0xA000_0000, Protection.None, Protection.None, 0xA000_0001)]
    [InlineData(16, 0xA010_0000, Protection.Read, Protection.Read, 0xA010_0211)]
    [InlineData(16, 0xA030_0000, Protection.ReadWrite, Protection.ReadWrite, 0xA030_0011)]
    [InlineData(20, 0xA000_0000, Protection.None, Protection.None, 0xA000_0002)]
    [InlineData(20, 0xA010_0000, Protection.Read, Protection.Read, 0xA010_8402)]
    [InlineData(20, 0xA020_0000, Protection.Write, Protection.ReadWrite, 0xA020_0402)]
    public void V1_leaves_are_the_recorded_words(int shift, ulong page, Protection asked, Protection given, ulong entry) =>
        CheckLeaf(s_v1, shift, page, asked, given, entry);

    [Theory]
    [InlineData(12, 0xA000_0000, Protection.None, Protection.None, 0x0A00_0002)]
    [InlineData(12, 0xA000_3000, Protection.Read, Protection.Read, 0x0A00_0306)]
    [InlineData(12, 0xA000_6000, Protection.Write, Protection.Write, 0x0A00_060A)]
    [InlineData(12, 0xF_1234_5000, Protection.ReadWrite, Protection.ReadWrite, 0xF123_450E)]
    [InlineData(16, 0x8_ABCD_0000, Protection.Write, Protection.Write, 0x8ABC_D009)]
    [InlineData(16, 0xA030_0000, Protection.ReadWrite, Protection.ReadWrite, 0x0A03_000D)]
    [InlineData(20, 0xFFF0_0000, Protection.Read, Protection.Read, 0x0FFF_0012)]
    [InlineData(20, 0x1_2340_0000, Protection.ReadWrite, Protection.ReadWrite, 0x1234_0032)]
    public void V5_leaves_are_the_recorded_words(int shift, ulong page, Protection asked, Protection given, ulong entry) =>
        CheckLeaf(s_v5, shift, page, asked, given, entry);

    [Fact]
    public void Unused_first_level_entries_link_to_the_table_of_zeros()
    {
        Assert.Equal(0x8000_0001UL, s_v1.EmptyEntry(0));
        Assert.Equal(0x8800_0001UL, s_v5.EmptyEntry(0));
        Assert.Equal(EntryKind.Empty, s_v1.Classify(0, 0x8000_0001));
        Assert.Equal(EntryKind.Table, s_v1.Classify(0, 0x8000_8001));
        Assert.Equal(EntryKind.Empty, s_v5.Classify(0, 0x8800_0001));
        Assert.Equal(EntryKind.Empty, s_v5.Classify(0, 0));
        Assert.Equal(EntryKind.Empty, s_v5.Classify(0, 3));
        Assert.Equal(0UL, s_v1.EmptyEntry(1));
        Assert.Equal(0UL, default(ExynosFormat).EmptyEntry(0));
    }

    [Fact]
    public void Links()
    {
        Assert.Equal(0x8000_8001UL, s_v1.MakeTable(0, new PhysicalAddress(0x8000_8000)));
        Assert.Equal(0x8000_8000UL, s_v1.TableAddress(0, 0x8000_8001).Value);
        Assert.Equal(0x8800_0801UL, s_v5.MakeTable(0, new PhysicalAddress(0x8_8000_8000)));
        Assert.Equal(0x8_8000_8000UL, s_v5.TableAddress(0, 0x8800_0801).Value);
    }

    [Fact]
    public void Bits_of_other_formats_are_refused()
    {
        Assert.Equal(Status.Ok, s_v1.CheckProtection(Protection.None));
        Assert.Equal(Status.Ok, s_v5.CheckProtection(Protection.Cache | Protection.Mmio));
        Assert.Equal(Status.InvalidArgument, s_v1.CheckProtection(OmapFormat.BigEndian));
        Assert.Equal(Status.InvalidArgument, s_v5.CheckProtection(OmapFormat.BigEndian));
    }

    private static void CheckLeaf<TFormat>(TFormat format, int shift, ulong page, Protection asked, Protection given, ulong entry)
        where TFormat : struct, IPageTableFormat
    {
        var level = format.LevelOfPage(shift);
        Assert.Equal(entry, format.MakeLeaf(level, shift, new PhysicalAddress(page), asked));
        Assert.Equal(EntryKind.Leaf, format.Classify(level, entry));
        Assert.Equal(shift, format.LeafShift(level, entry));
        Assert.Equal(page, format.LeafAddress(level, entry).Value);
        Assert.Equal(given, format.LeafProtection(level, entry));
        format.LeafPattern(level, shift, out var mask, out var value);
        Assert.Equal(value, entry & mask);
    }
}
