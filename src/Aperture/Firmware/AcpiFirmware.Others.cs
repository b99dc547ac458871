using Aperture.Acpi.Rimt;
using Aperture.Acpi.Viot;

namespace Aperture.Firmware;

// VIOT and RIMT.
public sealed partial class AcpiFirmware
{
    private static void Find(ViotTable table, AcpiPciSegment segment, ushort id, Found found)
    {
        foreach (var range in table.Nodes.OfType<ViotPciRange>())
        {
            if (segment.Number < range.FirstSegment || segment.Number > range.LastSegment)
                continue;
            found.IsKnown = true;
            if (id < range.FirstFunction || id > range.LastFunction)
                continue;
            var unit = table.Nodes.FirstOrDefault(node => node.Offset == range.OutputNode) is ViotPciUnit or ViotMmioUnit
                ? table.Nodes.First(node => node.Offset == range.OutputNode)
                : throw Wrong(table.Signature, range, $"its unit is at offset 0x{range.OutputNode:x}, where none begins");
            if (unit is ViotPciUnit own && own.Segment == segment.Number && own.Function == id)
                continue; // a unit is not behind itself
            found.Add(unit, range.FirstEndpoint + ((uint)(segment.Number - range.FirstSegment) << 16) + (uint)(id - range.FirstFunction));
        }
    }

    private static void Find(RimtTable table, AcpiPciSegment segment, uint id, Found found)
    {
        foreach (var complex in table.Nodes.OfType<RimtRootComplex>().Where(node => node.Segment == segment.Number))
        {
            found.IsKnown = true;
            foreach (var mapping in complex.Mappings)
            {
                if (id < mapping.SourceBase || id - mapping.SourceBase >= mapping.Count)
                    continue;
                found.IsAtsAllowed |= (complex.Flags & 1) != 0;
                found.Add(UnitOf(table, complex, mapping), mapping.DestinationBase + (id - mapping.SourceBase));
                break; // the first one counts
            }
        }
    }

    private static void FindNamed(RimtTable table, string path, Found found)
    {
        foreach (var device in table.Nodes.OfType<RimtPlatformDevice>().Where(device => device.Path == path))
        {
            foreach (var mapping in device.Mappings)
            {
                if (mapping.Count > ushort.MaxValue + 1)
                    throw Wrong(table.Signature, device, $"{path} has 0x{mapping.Count:x} ids, more than a device can have");
                for (uint i = 0; i < mapping.Count; i++)
                    found.Add(UnitOf(table, device, mapping), mapping.DestinationBase + i);
            }
        }
    }

    private static RimtUnit UnitOf(RimtTable table, RimtNode from, RimtIdMapping mapping) =>
        table.NodeAt(mapping.DestinationOffset) as RimtUnit
        ?? throw Wrong(table.Signature, from, $"ids go to offset 0x{mapping.DestinationOffset:x}, where no unit begins");
}
