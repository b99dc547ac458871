using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>The maps from requester ids to units are whole, do not overlap and lead somewhere.</summary>
internal static class IommuMapRules
{
    internal static void Check(CheckContext context)
    {
        foreach (var node in context.Nodes)
        {
            if (node.Property("iommu-map") is { } map)
                CheckMap(context, node, map);
            if (node.Property("iommu-map-mask") is not { } mask || (mask.TryGetU32(out _) && node.Has("iommu-map")))
                continue;
            context.Problem(
                FindingCode.IommuMap,
                node,
                node.Has("iommu-map")
                    ? "iommu-map-mask is not one cell: make it one"
                    : "has iommu-map-mask but no iommu-map: add the map, or drop the mask");
        }
    }

    private static void CheckMap(CheckContext context, DeviceTreeNode node, DeviceTreeProperty map)
    {
        if (node.TryGetIommuMap(out var entries) != Status.Ok)
        {
            context.Problem(
                FindingCode.IommuMap,
                node,
                $"iommu-map of {map.Value.Length} bytes is no whole number of entries: each is <first-id &unit first-unit-id count>, "
                + "with as many cells for the unit's id as its #iommu-cells says");
            return;
        }

        var mask = node.U32("iommu-map-mask") ?? uint.MaxValue;
        var spans = new List<(uint First, ulong End)>();
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = entries[i];
            if ((entry.FirstId & ~mask) != 0)
            {
                Problem(
                    $"begins at id {PhandleRules.Hex(entry.FirstId)}, which has bits outside of iommu-map-mask {PhandleRules.Hex(mask)}: "
                    + "it can never match; widen the mask");
            }

            if (entry.Count == 0)
            {
                context.Info(
                    FindingCode.IommuMap, node, $"entry {i} of iommu-map covers no id: right where a boot loader fills it in; else "
                        + "correct its count");
            }
            else
                spans.Add((entry.FirstId, (ulong)entry.FirstId + entry.Count));
            CheckUnit(context, node, i, entry);

            void Problem(string what) => context.Problem(FindingCode.IommuMap, node, $"entry {i} of iommu-map {what}");
        }

        spans.Sort();
        CheckCover(context, node, mask, spans);
        for (var i = 1; i < spans.Count; i++)
        {
            if (spans[i].First >= spans[i - 1].End)
                continue;
            context.Problem(
                FindingCode.IommuMap,
                node,
                $"entries of iommu-map overlap at id {PhandleRules.Hex(spans[i].First)}: only the first one counts; separate them");
        }
    }

    /// <summary>A mask that leaves a bus's number out folds buses onto each other; buses that no entry covers pass no unit.</summary>
    private static void CheckCover(CheckContext context, DeviceTreeNode node, uint mask, List<(uint First, ulong End)> spans)
    {
        const uint busBits = 0xFF00;
        if (node.String("device_type") != "pci" || node.Property("bus-range") is not { CellCount: 2 } buses || spans.Count == 0)
            return;
        var (first, last) = (buses.Cell(0), Math.Min(buses.Cell(1), 0xFFu));
        if (first > last)
            return;
        if (first < last && mask != 0 && (mask & busBits) != busBits)
        {
            context.Info(
                FindingCode.IommuMap,
                node,
                $"iommu-map-mask {PhandleRules.Hex(mask)} folds buses {first} to {last} onto each other: their devices are not "
                    + "confined from each "
                    + "other");
            return;
        }

        for (var bus = first; bus <= last && mask != 0; bus++)
        {
            var (low, high) = ((ulong)(bus << 8 & mask), (ulong)((bus << 8 | 0xFF) & mask));
            if (spans.Exists(span => span.First <= high && low < span.End))
                continue;
            context.Info(
                FindingCode.Forgotten,
                node,
                $"iommu-map covers no id of bus {bus}, which is in bus-range: what is there passes no unit; extend the map if it is to");
            return;
        }
    }

    private static void CheckUnit(CheckContext context, DeviceTreeNode node, int index, in IommuMapEntry entry)
    {
        var name = $"entry {index} of iommu-map";
        if (entry.Unit is not { } unit)
        {
            context.Problem(
                FindingCode.IommuMap,
                node,
                $"{name} refers to phandle {PhandleRules.Hex(entry.Phandle)}, which no node has: correct the reference");
            return;
        }

        if (unit.U32("#iommu-cells") is not { } cells)
        {
            context.Problem(
                FindingCode.IommuMap,
                node,
                $"{name} leads to {unit.Path}, which has no #iommu-cells: correct the reference, or add it there",
                unit);
        }
        else if (entry.IsOlderForm && cells == 0)
        {
            context.Problem(FindingCode.IommuMap, node, $"{name} gives {unit.Path} an id, whose #iommu-cells is 0: leave it out", unit);
        }
        else if (entry.IsOlderForm)
        {
            // Trees in the field have it so, and kernels read the rest as zero.
            context.Warning(
                FindingCode.IommuMap,
                node,
                $"{name} gives one cell to {unit.Path}, whose #iommu-cells is {cells}: the others are taken as 0; write them",
                unit);
        }
        var limit = context.Units.TryGetValue(unit, out var kind) && kind is { MaximumCells: > 0 } ? kind.MaximumId : uint.MaxValue;
        if (entry.Arguments is not [var to, ..] || entry.Count == 0 || (ulong)to + entry.Count - 1 <= limit)
            return;
        context.Problem(
            FindingCode.IdRange,
            node,
            $"{name} reaches id {(ulong)to + entry.Count - 1} on {unit.Path}, beyond its highest, {limit}: correct the base or the count",
            unit);
    }
}
