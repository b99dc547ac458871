using Aperture.Acpi.Ivrs;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Firmware;

// IVRS: units list ids and ranges of ids; some accesses carry another id than their device has.
public sealed partial class AcpiFirmware
{
    private static void Find(IvrsTable table, AcpiPciSegment segment, ushort id, Found found)
    {
        foreach (var block in table.Nodes.OfType<IvrsUnit>().Where(unit => unit.Segment == segment.Number)
            .GroupBy(unit => (unit.DeviceId, unit.Address)))
        {
            found.IsKnown = true;
            var unit = block.MaxBy(unit => unit.Type)!;
            if (id != unit.DeviceId && TryFindSource(unit, id, out var source))
                found.Add(unit, source);
        }

        foreach (var memory in table.Nodes.OfType<IvrsMemory>())
        {
            var isFor = memory.Type == IvrsMemory.All || id == memory.DeviceId
                || (memory.Type == IvrsMemory.Range && id > memory.DeviceId && id <= memory.LastDeviceId);
            if (!isFor || !(memory.IsUnity || memory.IsExclusion))
                continue;
            if (memory.Size == 0 || memory.Size - 1 > ulong.MaxValue - memory.Start)
                throw Wrong(table.Signature, memory, $"0x{memory.Size:x} bytes of memory at 0x{memory.Start:x}");
            var rights = (memory.CanRead ? Protection.Read : Protection.None) | (memory.CanWrite ? Protection.Write : Protection.None);
            found.Reserve(memory.Start, memory.Start + (memory.Size - 1),
                memory.IsUnity ? ReservationKind.Direct : ReservationKind.Reserved, rights);
        }
    }

    /// <summary>Under which id a device's accesses come, if the unit is for it. The last entry that names it counts.</summary>
    private static bool TryFindSource(IvrsUnit unit, ushort id, out ushort source)
    {
        var isFound = false;
        source = id;
        IvrsDeviceEntry? first = null; // of a range that is going on
        foreach (var entry in unit.Devices)
        {
            switch (entry.Type)
            {
                case IvrsDeviceEntry.All:
                    (isFound, source) = (true, id);
                    break;
                case IvrsDeviceEntry.Select or IvrsDeviceEntry.ExtendedSelect when entry.DeviceId == id:
                    (isFound, source) = (true, id);
                    break;
                case IvrsDeviceEntry.AliasSelect when entry.DeviceId == id:
                    (isFound, source) = (true, entry.Source);
                    break;
                case IvrsDeviceEntry.RangeStart or IvrsDeviceEntry.ExtendedRange or IvrsDeviceEntry.AliasRange:
                    first = entry;
                    break;
                case IvrsDeviceEntry.RangeEnd when first is not null:
                    if (id >= first.DeviceId && id <= entry.DeviceId)
                        (isFound, source) = (true, first.Type == IvrsDeviceEntry.AliasRange ? first.Source : id);
                    first = null;
                    break;
            }
        }

        return isFound;
    }
}
