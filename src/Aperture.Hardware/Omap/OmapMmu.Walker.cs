using Aperture.Core;
using Aperture.Datasheets.Omap;

namespace Aperture.Hardware.Omap;

/// <summary>The table walking logic.</summary>
public sealed partial class OmapMmu
{
    /// <summary>Reads the descriptors for an address, each exactly where the address indexes it: replicated descriptors that
    /// differ translate differently, as found.</summary>
    /// <returns><see cref="OmapFault.None"/> with the entry that results, or why there is none.</returns>
    private OmapFault Walk(uint address, out OmapCam cam, out OmapRam ram)
    {
        cam = default;
        ram = default;
        if (!Bus.TryRead32(FirstLevelAddress(address), out var word))
            return OmapFault.TableWalk;
        var first = new OmapFirstLevelDescriptor(word);
        if (first.IsLeaf)
        {
            cam = new OmapCam(address, first.Size);
            ram = first.Ram;
        }
        else
        {
            if (!first.IsTable)
                return OmapFault.Translation;
            var table = (WalkMsb << 32) | first.Table;
            if (!Bus.TryRead32(new PhysicalAddress(table + ((address >> 10) & 0x3FC)), out word))
                return OmapFault.TableWalk;
            var second = new OmapSecondLevelDescriptor(word);
            if (!second.IsLeaf)
                return OmapFault.Translation;
            cam = new OmapCam(address, second.Size);
            ram = second.Ram;
        }

        ram = new OmapRam(ram.Bits & (OmapRam.AddressMask | _options.RamAttributeMask));
        return OmapFault.None;
    }

    /// <summary>Bits 35:32 of second-level tables and of pages that the walker finds.</summary>
    private ulong WalkMsb => _options.MsbUse == OmapMsbUse.WholeWalk ? _tableBaseMsb : 0;

    private PhysicalAddress FirstLevelAddress(uint address)
    {
        var index = address >> 20 << 2;
        var joined = _options.TableIndexing == OmapTableIndexing.Add ? _tableBase + index : _tableBase | index;
        var msb = _options.MsbUse == OmapMsbUse.Ignored ? 0UL : _tableBaseMsb;
        return new PhysicalAddress((msb << 32) | joined);
    }
}
