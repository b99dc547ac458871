using Aperture.Acpi;
using Aperture.Acpi.Viot;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>What VIOT must hold (ACPI 6.5, section 5.2.34).</summary>
internal static class ViotRules
{
    public static void Check(ViotTable table, AcpiFindings findings)
    {
        findings.CheckCount(table.NodeCount, table.Nodes.Count);
        findings.CheckRegisters(table.Nodes.OfType<ViotMmioUnit>().Select(unit => ((AcpiNode)unit, unit.Address)));
        var endpoints = new Dictionary<int, IdRanges>(); // of each unit
        var functions = new Dictionary<int, IdRanges>(); // of each segment, as far as one range keeps to one
        foreach (var node in table.Nodes)
        {
            switch (node)
            {
                case ViotPciRange range:
                    if (range.LastFunction < range.FirstFunction || range.LastSegment < range.FirstSegment)
                    {
                        var first = (uint)range.FirstSegment << 16 | range.FirstFunction;
                        var last = (uint)range.LastSegment << 16 | range.LastFunction;
                        findings.Error(AcpiFindingCode.Ids, node, $"segments and functions from 0x{first:x8} to 0x{last:x8}");
                        break;
                    }

                    var count = ((ulong)(range.LastSegment - range.FirstSegment) << 16) + (uint)(range.LastFunction - range.FirstFunction);
                    CheckOutput(table, node, range.OutputNode, range.FirstEndpoint, count, endpoints, findings);
                    for (int segment = range.FirstSegment; segment <= range.LastSegment; segment++)
                        Of(functions, segment, node, findings).Add(range.FirstFunction, range.LastFunction);
                    break;
                case ViotMmioEndpoint endpoint:
                    CheckOutput(table, node, endpoint.OutputNode, endpoint.Endpoint, 0, endpoints, findings);
                    break;
                case ViotUnknown unknown:
                    findings.Info(AcpiFindingCode.Unknown, node, $"a node of type {unknown.Type}, of which nothing is known");
                    break;
            }
        }
    }

    private static void CheckOutput(
        ViotTable table, ViotNode node, ushort output, uint first, ulong count, Dictionary<int, IdRanges> endpoints, AcpiFindings findings)
    {
        if (table.Nodes.FirstOrDefault(unit => unit.Offset == output) is not (ViotPciUnit or ViotMmioUnit))
            findings.Error(AcpiFindingCode.Reference, node, $"its unit is at offset 0x{output:x}, where none begins");
        Of(endpoints, output, node, findings).Add(first, first + count);
    }

    private static IdRanges Of(Dictionary<int, IdRanges> ranges, int key, ViotNode node, AcpiFindings findings) =>
        ranges.TryGetValue(key, out var known) ? known : ranges[key] = new IdRanges(findings, node);
}
