using Aperture.Acpi.Dmar;
using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Firmware;

// DMAR: units name devices by their way from a bus; one unit of a segment may take all that nobody named.
public sealed partial class AcpiFirmware
{
    private static void Find(DmarTable table, AcpiPciSegment segment, ushort id, Found found)
    {
        var units = table.Nodes.OfType<DmarUnit>().Where(unit => unit.Segment == segment.Number).ToArray();
        found.IsKnown |= units.Length > 0;
        var way = segment.WayTo(id);
        var unit = Array.Find(units, unit => unit.Scopes.Any(scope => Covers(scope, way))) ?? Array.Find(units, unit => unit.IncludesAll);
        if (unit is null)
            return;
        found.Add(unit, id);
        found.IsAtsAllowed |= table.Nodes.Any(node => node switch
        {
            DmarRootPortAts ports => ports.Segment == segment.Number && ((ports.Flags & 1) != 0 || ports.Scopes.Any(Covered)),
            DmarIntegratedAts devices => devices.Segment == segment.Number && devices.Scopes.Any(Covered),
            _ => false,
        });
        bool Covered(DmarScope scope) => Covers(scope, way);
        foreach (var memory in table.Nodes.OfType<DmarReservedMemory>())
        {
            if (memory.Segment != segment.Number || !memory.Scopes.Any(scope => Covers(scope, way)))
                continue;
            if (memory.Last < memory.First)
                throw Wrong(table.Signature, memory, $"reserved memory from 0x{memory.First:x} to 0x{memory.Last:x}");
            found.Reserve(memory.First, memory.Last, ReservationKind.Direct, Protection.ReadWrite);
        }
    }

    private static void FindNamed(DmarTable table, string path, Found found)
    {
        foreach (var device in table.Nodes.OfType<DmarNamedDevice>().Where(device => device.Path == path))
        {
            foreach (var unit in table.Nodes.OfType<DmarUnit>())
            {
                foreach (var scope in unit.Scopes)
                {
                    if (scope.Type == DmarScope.NamedDevice && scope.EnumerationId == device.DeviceNumber && scope.Steps.Any())
                        found.Add(unit, (uint)(scope.StartBus << 8 | scope.Steps.Last()));
                }
            }
        }
    }

    /// <summary>Whether a scope is about a device: it itself, or a bridge above it.</summary>
    private static bool Covers(DmarScope scope, List<ushort> way)
    {
        if (scope.Type is not (DmarScope.Endpoint or DmarScope.Bridge))
            return false;
        var steps = scope.Steps.ToArray();
        var start = way.FindIndex(function => function >> 8 == scope.StartBus);
        if (start < 0 || steps.Length == 0 || way.Count - start < steps.Length)
            return false;
        for (var i = 0; i < steps.Length; i++)
        {
            if ((byte)way[start + i] != steps[i])
                return false;
        }

        return scope.Type == DmarScope.Bridge || way.Count - start == steps.Length;
    }
}
