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
        var booted = Booted(context);
        var providers = Providers(booted);
        foreach (var node in context.Nodes)
        {
            var off = new HashSet<DeviceTreeNode>(); // disabled suppliers that this node has been told of
            foreach (var (property, cells, word) in s_kinds)
            {
                if (node.Property(property) is { IsCells: false } list)
                {
                    context.Problem(
                        FindingCode.Cells,
                        node,
                        $"{property} of {list.Value.Length} bytes is no whole number of cells: write it as a list of references");
                    continue;
                }

                foreach (var entry in node.References(property, cells))
                {
                    CheckEntry(context, node, entry, property, cells, word);
                    if (cells is null && entry.IsValid && context.IsBooted(node))
                        CheckRegion(context, node, entry.Target);
                    if (entry.IsValid && !entry.Target.IsPresent && node.IsPresent && off.Add(entry.Target))
                        CheckDisabled(
                            context,
                            node,
                            entry.Target,
                            word,
                            isWaitedFor: cells is not null
                                && (booted.Contains(node) || (property == "power-domains" && providers.Contains(node))));
                }
            }
        }
    }

    /// <summary>The nodes that become devices, and so wait for their suppliers: modelled units, the masters behind those, and the modules
    /// around both.</summary>
    private static HashSet<DeviceTreeNode> Booted(CheckContext context)
    {
        var booted = context.Nodes.Where(context.IsBooted).ToHashSet();
        booted.UnionWith(
            booted.Select(node => node.Parent).OfType<DeviceTreeNode>().Where(parent => parent.IsCompatible("ti,sysc")).ToArray());
        return booted;
    }

    /// <summary>The providers that those nodes wait for. Of what a provider itself consumes, it waits for its power domain alone.</summary>
    private static HashSet<DeviceTreeNode> Providers(IEnumerable<DeviceTreeNode> booted)
    {
        var providers = new HashSet<DeviceTreeNode>();
        var open = new Queue<DeviceTreeNode>(booted.SelectMany(Suppliers));
        while (open.TryDequeue(out var provider))
        {
            if (!provider.IsPresent || !providers.Add(provider))
                continue;
            foreach (var outer in provider.PowerDomains().Where(outer => outer.IsValid))
                open.Enqueue(outer.Target!);
        }

        return providers;
    }

    private static IEnumerable<DeviceTreeNode> Suppliers(DeviceTreeNode node) =>
        ((PhandleReference[])[.. node.Clocks(), .. node.Resets(), .. node.PowerDomains()]).Where(r => r.IsValid).Select(r => r.Target!);

    private static void CheckEntry(
        CheckContext context, DeviceTreeNode node, PhandleReference entry, string property, string? cells, string word)
    {
        switch (entry.Error)
        {
            case PhandleError.None:
            case PhandleError.Empty:
                break;
            case PhandleError.Unresolved:
                context.Problem(
                    FindingCode.Supplier,
                    node,
                    $"{property} refers to phandle {PhandleRules.Hex(entry.Phandle)}, which no node has: its {word} never comes; "
                        + "add the node, or correct the reference");
                break;
            case PhandleError.NoCells:
                context.Problem(
                    FindingCode.Supplier,
                    node,
                    $"{property} leads to {entry.Target!.Path}, which has no {cells} and so is no {word} provider: "
                        + "correct the reference, or add it there");
                break;
            default:
                context.Problem(
                    FindingCode.Cells,
                    node,
                    $"{property} does not fit {entry.Target!.Path}: give it the {entry.Target.U32(cells!)} arguments that {cells} "
                        + $"there asks for");
                break;
        }
    }

    // Buffers lie in reserved memory; a device that is given anything else gets none, and one whose region is not to be had waits for it.
    private static void CheckRegion(CheckContext context, DeviceTreeNode node, DeviceTreeNode region)
    {
        if (context.Memory.Missing.TryGetValue(region, out var why))
            context.Error(
                FindingCode.Supplier, node, $"its memory region {region.Path} is not to be had ({why}): correct the region, or the "
                    + "memory node");
        else if (region.AsReservedMemory is null)
            context.Warning(
                FindingCode.Supplier, node, $"memory-region leads to {region.Path}, which is no reserved memory: refer to a child of "
                    + "/reserved-memory");
    }

    private static void CheckDisabled(CheckContext context, DeviceTreeNode node, DeviceTreeNode supplier, string word, bool isWaitedFor)
    {
        var message = $"its {word} {supplier.Path} is disabled: enable it, or disable this node";
        if (isWaitedFor)
            context.Error(FindingCode.Supplier, node, message);
        else if (node.Has("iommus") || context.IsUnit(node))
            // only where DMA depends on it: elsewhere boards leave suppliers disabled on purpose
            context.Warning(FindingCode.Supplier, node, message);
    }
}
