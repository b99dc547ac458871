using Aperture.Acpi;
using Aperture.Acpi.Dmar;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>What DMAR must hold (Intel VT-d specification, section 8).</summary>
internal static class DmarRules
{
    private const ulong Page = 4096;

    public static void Check(DmarTable table, AcpiFindings findings)
    {
        var units = table.Nodes.OfType<DmarUnit>().ToArray();
        if (units.Length == 0)
            findings.Error(AcpiFindingCode.Count, null, $"there is no unit");
        findings.CheckRegisters(units.Select(unit => ((AcpiNode)unit, unit.Address)));
        foreach (var segment in units.GroupBy(unit => unit.Segment))
        {
            var all = segment.Where(unit => unit.IncludesAll).ToArray();
            if (all.Length > 1)
                findings.Error(AcpiFindingCode.Order, all[1], $"two units of segment {segment.Key} take all that nobody names");
            else if (all.Length == 1 && segment.Last() != all[0])
                findings.Error(AcpiFindingCode.Order, all[0],
                    $"the unit that takes all that nobody names is not the last one of segment {segment.Key}");
            else if (all.Length == 0)
                findings.Info(AcpiFindingCode.LeftOut, segment.Last(),
                    $"devices of segment {segment.Key} that no unit names are behind none");
        }

        foreach (var node in table.Nodes)
        {
            switch (node)
            {
                case DmarUnit unit:
                    CheckScopes(table, node, unit.Scopes, isNeeded: !unit.IncludesAll, findings);
                    break;
                case DmarReservedMemory memory:
                    findings.CheckReserved(node, memory.First, memory.Last, Page);
                    CheckScopes(table, node, memory.Scopes, isNeeded: true, findings);
                    break;
                case DmarRootPortAts ats:
                    CheckScopes(table, node, ats.Scopes, isNeeded: (ats.Flags & 1) == 0, findings);
                    break;
                case DmarIntegratedAts ats:
                    CheckScopes(table, node, ats.Scopes, isNeeded: true, findings);
                    break;
                case DmarAffinity affinity when !Array.Exists(units, unit => unit.Address == affinity.Address):
                    findings.Error(AcpiFindingCode.Reference, node,
                        $"the domain of a unit with registers at 0x{affinity.Address:x}: there is none");
                    break;
                case DmarUnknown unknown:
                    findings.Info(AcpiFindingCode.Unknown, node, $"a structure of type {unknown.Type}, of which nothing is known");
                    break;
            }
        }
    }

    private static void CheckScopes(DmarTable table, AcpiNode node, IList<DmarScope> scopes, bool isNeeded, AcpiFindings findings)
    {
        if (isNeeded && scopes.Count == 0)
            findings.Error(AcpiFindingCode.LeftOut, node, $"it names no device, and is not for all");
        foreach (var scope in scopes)
        {
            if (scope.Path.Length == 0 || scope.Path.Length % 2 != 0)
                findings.Error(AcpiFindingCode.Ids, node,
                    $"a path of {scope.Path.Length} bytes: it has two for each step, and one step at least");
            for (var i = 0; i + 1 < scope.Path.Length; i += 2)
            {
                if (scope.Path[i] > 31 || scope.Path[i + 1] > 7)
                    findings.Error(AcpiFindingCode.Ids, node,
                        $"there is no device 0x{scope.Path[i]:x} with a function {scope.Path[i + 1]}");
            }

            if (scope.Type is 0 or > DmarScope.NamedDevice)
                findings.Info(AcpiFindingCode.Unknown, node, $"a scope of type {scope.Type}, of which nothing is known");
            if (scope.Type == DmarScope.NamedDevice
                && !table.Nodes.OfType<DmarNamedDevice>().Any(device => device.DeviceNumber == scope.EnumerationId))
                findings.Error(AcpiFindingCode.Reference, node, $"named device {scope.EnumerationId} is described nowhere");
        }
    }
}
