using Aperture.Datasheets.Omap;
using Aperture.Hardware.Omap;

namespace Aperture.Hardware.Tests.Omap;

/// <summary>Each of the four regions that pass addresses, alone and with the others.</summary>
public class OmapBypassTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_region_passes_its_addresses_and_is_switched_off_again(int region)
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Dsp with { BypassSize = OmapBypassSize.PowerOfTwo });
        rig.Enable().Store(OmapRig.L1 + (0x100 << 2), 0xA000_0002);
        var register = OmapRegisters.BypassRegion + ((uint)region * 8);
        for (var round = 0; round < 2; round++)
        {
            rig[register] = 0x1003_0000;
            rig[register + 4] = 2; // 128 KiB
            rig.AssertTranslates(0x1001_FFFC, 0xA001_FFFC);
            rig.AssertTranslates(0x1002_0000, 0x1002_0000);
            rig.AssertTranslates(0x1003_FFFC, 0x1003_FFFC);
            rig.AssertTranslates(0x1004_0000, 0xA004_0000);
            rig[register + 4] = 0;
            rig.AssertTranslates(0x1002_0000, 0xA002_0000);
        }
    }

    [Fact]
    public void All_regions_pass_their_addresses_at_once()
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Dsp with { BypassSize = OmapBypassSize.PowerOfTwo });
        rig.Enable().Store(OmapRig.L1 + (0x100 << 2), 0xA000_0002);
        for (var region = 0u; region < 4; region++)
        {
            rig[OmapRegisters.BypassRegion + (region * 8)] = 0x1000_0000 + (region << 17);
            rig[OmapRegisters.BypassRegion + (region * 8) + 4] = 1; // 64 KiB of each 128
        }

        for (var region = 0u; region < 4; region++)
        {
            rig.AssertTranslates(0x1000_0000 + (region << 17), 0x1000_0000 + (region << 17));
            rig.AssertTranslates(0x1001_0000 + (region << 17), 0xA001_0000 + (region << 17));
        }
    }
}
