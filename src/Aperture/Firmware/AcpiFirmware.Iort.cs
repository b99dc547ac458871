using Aperture.Acpi.Iort;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Firmware;

// IORT: ids go from node to node until an SMMU, or past all of them to the interrupt translation service.
public sealed partial class AcpiFirmware
{
    private const int MaxHops = 16; // a table in which ids go round in a circle has no end

    private static void Find(IortTable table, AcpiPciSegment segment, uint id, Found found)
    {
        foreach (var complex in table.Nodes.OfType<IortRootComplex>().Where(node => node.Segment == segment.Number))
        {
            found.IsKnown = true;
            if (complex.Flags is { } flags && (flags & 1) != 0)
                found.PasidBits = Math.Min(complex.PasidCapabilities & 31, Pasid.MaxBits);
            found.IsAtsAllowed |= (complex.AtsAttribute & 1) != 0;
            Follow(table, complex, id, found);
        }

        Reserve(table, found);
    }

    private static void FindNamed(IortTable table, string path, Found found)
    {
        foreach (var component in table.Nodes.OfType<IortNamedComponent>().Where(node => node.Path == path))
        {
            found.PasidBits = (int)Math.Min(component.Flags >> 1 & 31, Pasid.MaxBits);
            foreach (var mapping in component.Mappings)
            {
                if (mapping.Count > ushort.MaxValue)
                    throw Wrong(table.Signature, component, $"{path} has 0x{mapping.Count + 1ul:x} ids, more than a device can have");
                for (uint i = 0; i <= (mapping.IsSingle ? 0 : mapping.Count); i++)
                    Arrive(table, component, mapping, mapping.OutputBase + i, found, 0);
            }
        }

        Reserve(table, found);
    }

    private static void Follow(IortTable table, IortNode node, uint id, Found found, int hops = 0)
    {
        foreach (var mapping in node.Mappings)
        {
            if (mapping.IsSingle || id < mapping.InputBase || id > mapping.InputLast)
                continue;
            Arrive(table, node, mapping, mapping.OutputBase + (id - mapping.InputBase), found, hops);
            return; // the first one counts
        }
    }

    private static void Arrive(IortTable table, IortNode from, IortIdMapping mapping, uint id, Found found, int hops)
    {
        switch (table.NodeAt(mapping.OutputReference))
        {
            case IortSmmu or IortSmmuV3 when table.NodeAt(mapping.OutputReference) is { } unit:
                found.Add(unit, id);
                break;
            case IortItsGroup:
                break;
            case null:
                throw Wrong(table.Signature, from, $"ids go to offset 0x{mapping.OutputReference:x}, where no node begins");
            case var next when hops < MaxHops:
                Follow(table, next, id, found, hops + 1);
                break;
            default:
                throw Wrong(table.Signature, from, "ids go round in a circle");
        }
    }

    private static void Reserve(IortTable table, Found found)
    {
        foreach (var memory in table.Nodes.OfType<IortReservedMemory>())
        {
            var isFor = memory.Mappings.Any(mapping => table.NodeAt(mapping.OutputReference) is { } unit && found.Has(
                unit, mapping.OutputBase, mapping.OutputBase + (mapping.IsSingle ? 0ul : mapping.Count)));
            if (!isFor)
                continue;
            var kind = (memory.Flags & 1) != 0 ? ReservationKind.DirectRelaxable : ReservationKind.Direct;
            foreach (var range in memory.Ranges)
            {
                if (range.Length == 0 || range.Length - 1 > ulong.MaxValue - range.Address)
                    throw Wrong(table.Signature, memory, $"0x{range.Length:x} bytes of reserved memory at 0x{range.Address:x}");
                found.Reserve(range.Address, range.Address + (range.Length - 1), kind, Protection.ReadWrite);
            }
        }
    }
}
