using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

public sealed class TegraFormatTests
{
    private static readonly TegraFormat s_narrow = new(32);
    private static readonly TegraFormat s_wide = new(34, hasSections: true);

    [Theory]
    [InlineData(12, 0xA000_0000, Protection.None, 0x200A_0000)]
    [InlineData(12, 0xA000_3000, Protection.Read, 0xA00A_0003)]
    [InlineData(12, 0xA000_6000, Protection.Write, 0x600A_0006)]
    [InlineData(12, 0xA000_9000, Protection.ReadWrite, 0xE00A_0009)]
    [InlineData(12, 0x0, Protection.None, 0x2000_0000)]
    [InlineData(12, 0x3_1234_5000, Protection.ReadWrite, 0xE031_2345)]
    [InlineData(22, 0x0, Protection.None, 0x2000_0000)]
    [InlineData(22, 0x8040_0000, Protection.Read, 0xA008_0400)]
    [InlineData(22, 0x3_FFC0_0000, Protection.ReadWrite, 0xE03F_FC00)]
    public void Leaves_are_the_recorded_words(int shift, ulong page, Protection protection, ulong entry)
    {
        var level = s_wide.LevelOfPage(shift);
        Assert.Equal(entry, s_wide.MakeLeaf(level, shift, new PhysicalAddress(page), protection));
        Assert.Equal(EntryKind.Leaf, s_wide.Classify(level, entry));
        Assert.Equal(shift, s_wide.LeafShift(level, entry));
        Assert.Equal(page, s_wide.LeafAddress(level, entry).Value);
        Assert.Equal(protection, s_wide.LeafProtection(level, entry));
        s_wide.LeafPattern(level, shift, out var mask, out var value);
        Assert.Equal(value, entry & mask);
    }

    [Fact]
    public void Links_and_nothing()
    {
        Assert.Equal(0xF008_0001UL, s_narrow.MakeTable(0, new PhysicalAddress(0x8000_1000)));
        Assert.Equal(0x8000_1000UL, s_narrow.TableAddress(0, 0xF008_0001).Value);
        Assert.Equal(0x2_8000_1000UL, s_wide.TableAddress(0, s_wide.MakeTable(0, new PhysicalAddress(0x2_8000_1000))).Value);
        Assert.Equal(EntryKind.Table, s_narrow.Classify(0, 0xF008_0001));
        Assert.Equal(EntryKind.Leaf, s_narrow.Classify(1, 0xF008_0001));
        Assert.Equal(EntryKind.Empty, s_narrow.Classify(0, 0));
        s_wide.LeafPattern(0, 22, out var mask, out var value);
        Assert.NotEqual(value, 0xF008_0001 & mask);
    }

    [Fact]
    public void Sizes()
    {
        Assert.Equal((0x1000UL, 32, 32), (s_narrow.PageSizes, s_narrow.OutputBits, s_narrow.TableBits));
        Assert.Equal((0x40_1000UL, 34, 34), (s_wide.PageSizes, s_wide.OutputBits, s_wide.TableBits));
        Assert.Throws<ApertureException>(() => new TegraFormat(36));
    }

    [Fact]
    public void Bits_of_other_formats_are_refused()
    {
        Assert.Equal(Status.Ok, s_narrow.CheckProtection(Protection.None));
        Assert.Equal(Status.Ok, s_narrow.CheckProtection(Protection.Cache | Protection.Mmio));
        Assert.Equal(Status.InvalidArgument, s_narrow.CheckProtection(OmapFormat.BigEndian));
    }
}
