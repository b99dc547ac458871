using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Clocks, power domains, resets and memory regions that devices ask for are there.</summary>
internal static class SupplierRules
{
    // What a device can depend on: the list, the argument count at the supplier, and the word for people.
    private static readonly (string Property, string? Cells, string Word)[] s_kinds =
    [
        ("clocks", "#clock-cells", "clock"),
        ("power-domains", "#power-domain-cells", "power domain"),
        ("resets", "#reset-cells", "reset"),
        ("memory-region", null, "memory region"),
    ];

    internal static void Check(CheckContext context)
    {
        foreach (var node in context.Nodes)
        {
            foreach (var (property, cells, word) in s_kinds)
            {
                foreach (var entry in node.References(property, cells))
                    CheckEntry(context, node, entry, property, cells, word);
            }
        }
    }

    private static void CheckEntry(CheckContext context, DeviceTreeNode node, PhandleReference entry, string property, string? cells, string word)
    {
        switch (entry.Error)
        {
            case PhandleError.None:
                CheckSupplier(context, node, entry.Target!, word);
                break;
            case PhandleError.Empty:
                break;
            case PhandleError.Unresolved:
                context.Problem(FindingCode.Supplier, node, $"{property} refers to phandle {PhandleRules.Hex(entry.Phandle)}, which no node has: its {word} never comes; add the node, or correct the reference");
                break;
            case PhandleError.NoCells:
                context.Problem(FindingCode.Supplier, node, $"{property} leads to {entry.Target!.Path}, which has no {cells} and so is no {word} provider: correct the reference, or add it there");
                break;
            default:
                context.Problem(FindingCode.Cells, node, entry.Target is { } target
                    ? $"{property} does not fit {target.Path}: give it the {target.U32(cells!)} arguments that {cells} there asks for"
                    : $"{property} is no whole number of cells: write it as a list of references");
                break;
        }
    }

    private static void CheckSupplier(CheckContext context, DeviceTreeNode node, DeviceTreeNode supplier, string word)
    {
        // Only where DMA depends on it: elsewhere boards leave suppliers disabled on purpose.
        if (!node.IsPresent || supplier.IsPresent || (!node.Has("iommus") && !context.IsUnit(node)))
            return;
        context.Warning(FindingCode.Supplier, node, $"its {word} {supplier.Path} is disabled: enable it, or disable this node");
    }
}
