namespace Aperture.Hardware.Omap;

/// <summary>The bypass regions of the DRA7 DSP MMU: addresses inside pass unchanged although the MMU is enabled.</summary>
public sealed partial class OmapMmu
{
    private const uint BypassGranule = 0x1_0000; // bytes: a region's address register holds bits 31:16

    private readonly uint[] _bypassRegions = new uint[8]; // address and size code of four regions, in register order

    private bool HasActiveBypassRegion()
    {
        if (_options.BypassSize == OmapBypassSize.Inert)
            return false;
        return (_bypassRegions[1] | _bypassRegions[3] | _bypassRegions[5] | _bypassRegions[7]) != 0;
    }

    private bool InBypassRegion(uint address)
    {
        if (_options.BypassSize == OmapBypassSize.Inert)
            return false;
        for (var i = 0; i < _bypassRegions.Length; i += 2)
        {
            var code = (int)_bypassRegions[i + 1];
            if (code != 0 && ((address ^ _bypassRegions[i]) & ~((BypassGranule << (code - 1)) - 1)) == 0)
                return true;
        }

        return false;
    }
}
