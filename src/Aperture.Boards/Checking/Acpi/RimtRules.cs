using Aperture.Acpi;
using Aperture.Acpi.Rimt;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>What RIMT must hold (RISC-V IO Mapping Table 1.0).</summary>
internal static class RimtRules
{
    public static void Check(RimtTable table, AcpiFindings findings)
    {
        findings.CheckCount(table.NodeCount, table.Nodes.Count);
        findings.CheckRegisters(table.Nodes.OfType<RimtUnit>().Where(unit => !unit.IsPci).Select(unit => ((AcpiNode)unit, unit.Address)));
        foreach (var node in table.Nodes)
        {
            switch (node)
            {
                case RimtRootComplex complex:
                    CheckMappings(table, node, complex.Mappings, findings).CheckLeftOut("are behind no unit");
                    break;
                case RimtPlatformDevice device:
                    if (device.Path.Length == 0)
                        findings.Error(AcpiFindingCode.Reference, node, $"a device without a name");
                    CheckMappings(table, node, device.Mappings, findings);
                    break;
                case RimtUnknown unknown:
                    findings.Info(AcpiFindingCode.Unknown, node, $"a node of type {unknown.Type}, of which nothing is known");
                    break;
            }
        }

        foreach (var twice in table.Nodes.GroupBy(node => (node.Type, node.Id)).Where(same => same.Count() > 1))
            findings.Error(AcpiFindingCode.Ids, twice.Last(), $"two nodes of type {twice.Key.Type} have the id {twice.Key.Id}");
    }

    private static IdRanges CheckMappings(RimtTable table, RimtNode node, IList<RimtIdMapping> mappings, AcpiFindings findings)
    {
        var ranges = new IdRanges(findings, node);
        foreach (var mapping in mappings)
        {
            if (table.NodeAt(mapping.DestinationOffset) is not RimtUnit)
                findings.Error(AcpiFindingCode.Reference, node, $"ids go to offset 0x{mapping.DestinationOffset:x}, where no unit begins");
            if (mapping.Count == 0)
            {
                findings.Error(AcpiFindingCode.Ids, node, $"a mapping of no ids from 0x{mapping.SourceBase:x} on");
                continue;
            }

            ranges.Add(mapping.SourceBase, mapping.SourceBase + (ulong)mapping.Count - 1);
            if (mapping.DestinationBase + (ulong)mapping.Count - 1 > uint.MaxValue)
                findings.Error(AcpiFindingCode.Ids, node,
                    $"0x{mapping.Count:x} ids from 0x{mapping.DestinationBase:x} on have more than 32 bits");
        }

        return ranges;
    }
}
