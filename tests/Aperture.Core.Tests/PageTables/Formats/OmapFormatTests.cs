using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;

namespace Aperture.Core.Tests.PageTables.Formats;

public sealed class OmapFormatTests
{
    private static OmapFormat Format => default;

    [Theory]
    [InlineData(0, 24, 0xD000_0000, 0xD004_0002)]
    [InlineData(0, 20, 0xA050_0000, 0xA050_0002)]
    [InlineData(1, 16, 0xA002_0000, 0xA002_0001)]
    [InlineData(1, 12, 0xC000_3000, 0xC000_3002)]
    public void Leaves_are_the_recorded_words(int level, int shift, ulong page, ulong entry)
    {
        Assert.Equal(entry, Format.MakeLeaf(level, shift, new PhysicalAddress(page), Protection.ReadWrite));
        Assert.Equal(EntryKind.Leaf, Format.Classify(level, entry));
        Assert.Equal(shift, Format.LeafShift(level, entry));
        Assert.Equal(page, Format.LeafAddress(level, entry).Value);
        Assert.Equal(Protection.ReadWrite, Format.LeafProtection(level, entry));
    }

    [Theory]
    [InlineData(OmapFormat.Mixed, 0x802, 0x2_0002)]
    [InlineData(OmapFormat.BigEndian, 0x202, 0x8002)]
    [InlineData(OmapFormat.Element16, 0x012, 0x402)]
    [InlineData(OmapFormat.Element32, 0x022, 0x802)]
    [InlineData(OmapFormat.ElementNone, 0x032, 0xC02)]
    [InlineData(OmapFormat.BigEndian | OmapFormat.Element16 | OmapFormat.Mixed, 0xA12, 0x2_8402)]
    public void Attributes_have_their_bits_and_come_back(Protection attributes, ulong small, ulong section)
    {
        Assert.Equal(small, Format.MakeLeaf(1, 12, default, attributes));
        Assert.Equal(section, Format.MakeLeaf(0, 20, default, attributes));
        Assert.Equal(attributes | Protection.ReadWrite, Format.LeafProtection(1, small));
        Assert.Equal(attributes | Protection.ReadWrite, Format.LeafProtection(0, section));
    }

    [Theory]
    [InlineData(0, 0, EntryKind.Empty)]
    [InlineData(0, 0xA000_0003, EntryKind.Empty)]
    [InlineData(0, 0x8000_4001, EntryKind.Table)]
    [InlineData(1, 0xA000_0003, EntryKind.Leaf)]
    [InlineData(1, 0xA000_0004, EntryKind.Empty)]
    public void Kinds(int level, ulong entry, EntryKind kind) => Assert.Equal(kind, Format.Classify(level, entry));

    [Fact]
    public void Links_hold_bits_31_to_10()
    {
        Assert.Equal(0x8000_4001UL, Format.MakeTable(0, new PhysicalAddress(0x8000_4000)));
        Assert.Equal(0x8000_4000UL, Format.TableAddress(0, 0x8000_43FD).Value);
    }

    [Fact]
    public void Rights_are_ignored_and_foreign_bits_refused()
    {
        Assert.Equal(Status.Ok, Format.CheckProtection(Protection.None));
        Assert.Equal(Status.Ok, Format.CheckProtection(Protection.Read | Protection.Privileged));
        Assert.Equal(Status.InvalidArgument, Format.CheckProtection((Protection)(1u << 20)));
    }
}
