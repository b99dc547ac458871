using Aperture.Acpi.Iort;

namespace Aperture.Boards.Checking.Acpi;

/// <summary>What IORT must hold (DEN0049E.f).</summary>
internal static class IortRules
{
    private const ulong ReservedGranule = 0x10000; // memory range descriptors are multiples of 64 KiB

    public static void Check(IortTable table, AcpiFindings findings)
    {
        findings.CheckCount(table.NodeCount, table.Nodes.Count);
        findings.CheckRegisters(table.Nodes.Select(node => node switch
        {
            IortSmmu smmu => (node, smmu.Address),
            IortSmmuV3 smmu => (node, smmu.Address),
            _ => (node, 0ul),
        }).Where(unit => unit.node is IortSmmu or IortSmmuV3).Select(unit => ((Aperture.Acpi.AcpiNode)unit.node, unit.Item2)));
        foreach (var node in table.Nodes)
        {
            Check(table, node, findings);
            CheckMappings(table, node, findings);
        }
    }

    private static void Check(IortTable table, IortNode node, AcpiFindings findings)
    {
        switch (node)
        {
            case IortItsGroup { Services.Count: 0 }:
                findings.Error(AcpiFindingCode.Reference, node, $"a group of no interrupt translation services");
                break;
            case IortPerformanceCounter counter when table.NodeAt(counter.NodeReference) is null:
                findings.Error(AcpiFindingCode.Reference, node,
                    $"counters of a node at offset 0x{counter.NodeReference:x}, where none begins");
                break;
            case IortNamedComponent { Path.Length: 0 }:
                findings.Error(AcpiFindingCode.Reference, node, $"a device without a name");
                break;
            case IortReservedMemory memory:
                if (memory.Ranges.Count == 0)
                    findings.Error(AcpiFindingCode.Reserved, node, $"reserved memory of no ranges");
                if (memory.Mappings.Count == 0)
                    findings.Warning(AcpiFindingCode.Reserved, node, $"reserved memory that is for no device: it has no mappings");
                foreach (var range in memory.Ranges)
                    findings.CheckReserved(node, range.Address, range.Address + range.Length - 1, ReservedGranule);
                break;
            case IortUnknown unknown:
                findings.Info(AcpiFindingCode.Unknown, node, $"a node of type {unknown.Type}, of which nothing is known");
                break;
        }
    }

    private static void CheckMappings(IortTable table, IortNode node, AcpiFindings findings)
    {
        var ranges = new IdRanges(findings, node);
        foreach (var mapping in node.Mappings)
        {
            var target = table.NodeAt(mapping.OutputReference);
            var isPossible = node switch
            {
                IortSmmu or IortSmmuV3 => target is IortItsGroup,
                IortReservedMemory => target is IortSmmu or IortSmmuV3,
                IortItsGroup => false,
                _ => target is IortItsGroup or IortSmmu or IortSmmuV3,
            };
            if (target is null)
            {
                findings.Error(AcpiFindingCode.Reference, node,
                    $"ids go to offset 0x{mapping.OutputReference:x}, where no node begins");
            }
            else if (!isPossible)
            {
                findings.Error(AcpiFindingCode.Reference, node,
                    $"ids go to the node at 0x{mapping.OutputReference:x}, of type {target.Type}, which takes none from here");
            }

            if (mapping is { IsSingle: true, Count: > 0 })
                findings.Warning(AcpiFindingCode.Ids, node, $"a single mapping of 0x{mapping.Count + 1ul:x} ids: only the first counts");
            if ((ulong)mapping.OutputBase + mapping.Count > uint.MaxValue)
                findings.Error(AcpiFindingCode.Ids, node,
                    $"0x{mapping.Count + 1ul:x} ids from 0x{mapping.OutputBase:x} on have more than 32 bits");
            if (!mapping.IsSingle && node is not IortReservedMemory)
                ranges.Add(mapping.InputBase, mapping.InputLast, isCountedWithOneMore: true);
        }

        if (node is IortRootComplex)
            ranges.CheckLeftOut("are mapped to nothing: their DMA passes untranslated, and message interrupts have no device id");
    }
}
