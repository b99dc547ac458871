using Aperture.Acpi;
using Aperture.Acpi.Iort;
using Aperture.Acpi.Mcfg;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>What MCFG must hold (PCI Firmware Specification 3.3, section 4.1.2), and that it has the segments that IORT speaks
/// of.</summary>
internal static class McfgRules
{
    public static void Check(McfgTable table, AcpiTableSet tables, AcpiFindings findings)
    {
        var known = new List<McfgAllocation>();
        foreach (var space in table.Allocations)
        {
            if (space.Length == 0)
            {
                findings.Error(AcpiFindingCode.Ids, null,
                    $"buses of segment {space.Segment} go from 0x{space.FirstBus:x} to 0x{space.LastBus:x}");
            }
            else if (space.Address == 0 || space.Address % McfgAllocation.BusBytes != 0
                || space.Start > ulong.MaxValue - (space.Length - 1))
            {
                findings.Error(AcpiFindingCode.Registers, null,
                    $"configuration space of segment {space.Segment} is at 0x{space.Address:x}, which cannot be");
            }
            else
            {
                CheckOthers(space, known, findings);
                known.Add(space);
            }
        }

        foreach (var segment in tables.Tables.OfType<IortTable>().SelectMany(iort => iort.Nodes).OfType<IortRootComplex>()
            .Select(complex => complex.Segment).Distinct().Where(segment => !table.Allocations.Any(space => space.Segment == segment)))
        {
            findings.Warning(AcpiFindingCode.Reference, null,
                $"there is no configuration space of segment {segment}, of which IORT has a root complex");
        }
    }

    private static void CheckOthers(McfgAllocation space, List<McfgAllocation> known, AcpiFindings findings)
    {
        foreach (var other in known)
        {
            if (space.Segment == other.Segment && space.FirstBus <= other.LastBus && other.FirstBus <= space.LastBus)
            {
                var (first, last) = (Math.Max(space.FirstBus, other.FirstBus), Math.Min(space.LastBus, other.LastBus));
                findings.Error(AcpiFindingCode.Ids, null,
                    $"buses 0x{first:x} to 0x{last:x} of segment {space.Segment} are described twice");
            }
            else if (space.Start < other.Start + other.Length && other.Start < space.Start + space.Length)
            {
                var theirs = FormattableString.Invariant($"segment {other.Segment} at 0x{other.Start:x}");
                findings.Error(AcpiFindingCode.Registers, null,
                    $"configuration space of segment {space.Segment} at 0x{space.Start:x} overlaps that of {theirs}");
            }
        }
    }
}
