using Aperture.Datasheets.Omap;

namespace Aperture.Datasheets.Tests.Omap;

public class OmapWordTests
{
    [Theory]
    [InlineData(OmapPageSize.SmallPage, 12, 0xFFFFF000u)]
    [InlineData(OmapPageSize.LargePage, 16, 0xFFFF0000u)]
    [InlineData(OmapPageSize.Section, 20, 0xFFF00000u)]
    [InlineData(OmapPageSize.Supersection, 24, 0xFF000000u)]
    public void Page_sizes(OmapPageSize size, int shift, uint mask)
    {
        Assert.Equal(shift, OmapCam.ShiftOf(size));
        Assert.Equal(mask, OmapCam.MaskOf(size));
        var cam = new OmapCam(0x1234_5678, size);
        Assert.Equal((0x1234_5678 & mask) | 4 | (uint)size, cam.Bits);
        Assert.True(cam.Contains(0x1234_5678 | ~mask));
        Assert.False(cam.Contains(0x1234_5678 ^ (~mask + 1)));
    }

    [Fact]
    public void Lock_fields_do_not_overlap()
    {
        var word = new OmapLock(31, 0);
        Assert.Equal((31, 0, 0x7C00u), (word.Base, word.Victim, word.Bits));
        word = new OmapLock(0, 31);
        Assert.Equal((0, 31, 0x1F0u), (word.Base, word.Victim, word.Bits));
        Assert.Equal(OmapLock.Mask, new OmapLock(31, 31).Bits);
    }

    [Theory]
    [InlineData(0xA0000002u, true, false, OmapPageSize.Section, 0xA0000000u)]
    [InlineData(0xA0340002u, true, false, OmapPageSize.Supersection, 0xA0000000u)]
    [InlineData(0xA0320802u, true, false, OmapPageSize.Section, 0xA0300140u)]
    [InlineData(0xA0308402u, true, false, OmapPageSize.Section, 0xA0300280u)]
    [InlineData(0x80004001u, false, true, OmapPageSize.Section, 0x80000000u)]
    [InlineData(0xA0000003u, false, false, OmapPageSize.Section, 0xA0000000u)]
    [InlineData(0xA0000000u, false, false, OmapPageSize.Section, 0xA0000000u)]
    public void First_level(uint bits, bool leaf, bool table, OmapPageSize size, uint ram)
    {
        var word = new OmapFirstLevelDescriptor(bits);
        Assert.Equal((leaf, table, size), (word.IsLeaf, word.IsTable, word.Size));
        if (leaf)
            Assert.Equal(ram, word.Ram.Bits);
        if (table)
            Assert.Equal(0x80004000u, word.Table);
    }

    [Theory]
    [InlineData(0xA0001002u, true, OmapPageSize.SmallPage, 0xA0001000u)]
    [InlineData(0xA0001003u, true, OmapPageSize.SmallPage, 0xA0001000u)]
    [InlineData(0xA0001822u, true, OmapPageSize.SmallPage, 0xA0001140u)]
    [InlineData(0xA0010A31u, true, OmapPageSize.LargePage, 0xA00103C0u)]
    [InlineData(0xA0001004u, false, OmapPageSize.LargePage, 0u)]
    public void Second_level(uint bits, bool leaf, OmapPageSize size, uint ram)
    {
        var word = new OmapSecondLevelDescriptor(bits);
        Assert.Equal((leaf, size), (word.IsLeaf, word.Size));
        if (leaf)
            Assert.Equal(ram, word.Ram.Bits);
    }

    [Fact]
    public void Ram_attributes()
    {
        var word = new OmapRam(0xA0000340);
        Assert.Equal((0xA0000000u, true, 2u, true), (word.Address, word.IsBigEndian, word.ElementSize, word.IsMixed));
    }

    [Fact]
    public void Idle_mode_and_enable_bits()
    {
        Assert.Equal(0x11u, new OmapSysConfig(0x9).WithIdleMode(2).Bits);
        Assert.Equal((1u, 0x10u), (DspSystemRegisters.EnableBit(0), DspSystemRegisters.EnableBit(1)));
    }
}
