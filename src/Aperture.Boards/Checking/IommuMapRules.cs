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
            if (node.Property("iommu-map-mask") is { } mask && (!mask.TryGetU32(out _) || !node.Has("iommu-map")))
                context.Problem(FindingCode.IommuMap, node, node.Has("iommu-map") ? "iommu-map-mask is not one cell: make it one" : "has iommu-map-mask but no iommu-map: add the map, or drop the mask");
        }
    }

    private static void CheckMap(CheckContext context, DeviceTreeNode node, DeviceTreeProperty map)
    {
        if (map.IsEmpty || map.Value.Length % 16 != 0)
        {
            context.Problem(FindingCode.IommuMap, node, $"iommu-map of {map.Value.Length} bytes is no whole number of entries: each is <first-id &unit first-unit-id count>");
            return;
        }
        var mask = node.U32("iommu-map-mask") ?? uint.MaxValue;
        var spans = new List<(uint First, ulong End)>();
        for (var cell = 0; cell < map.CellCount; cell += 4)
        {
            var (first, phandle, to, count) = (map.Cell(cell), map.Cell(cell + 1), map.Cell(cell + 2), map.Cell(cell + 3));
            var entry = cell / 4;
            if ((first & ~mask) != 0)
                context.Problem(FindingCode.IommuMap, node, $"entry {entry} of iommu-map begins at id {PhandleRules.Hex(first)}, which has bits outside of iommu-map-mask {PhandleRules.Hex(mask)}: it can never match; widen the mask");
            if (count == 0)
                context.Problem(FindingCode.IommuMap, node, $"entry {entry} of iommu-map covers no id: correct its count");
            else
                spans.Add((first, (ulong)first + count));
            CheckUnit(context, node, entry, phandle, to, count);
        }
        spans.Sort();
        for (var i = 1; i < spans.Count; i++)
        {
            if (spans[i].First < spans[i - 1].End)
                context.Problem(FindingCode.IommuMap, node, $"entries of iommu-map overlap at id {PhandleRules.Hex(spans[i].First)}: only the first one counts; separate them");
        }
    }

    private static void CheckUnit(CheckContext context, DeviceTreeNode node, int entry, uint phandle, uint to, uint count)
    {
        if (context.Tree.FindByPhandle(phandle) is not { } unit)
        {
            context.Problem(FindingCode.IommuMap, node, $"entry {entry} of iommu-map refers to phandle {PhandleRules.Hex(phandle)}, which no node has: correct the reference");
            return;
        }
        if (unit.U32("#iommu-cells") is not { } cells)
            context.Problem(FindingCode.IommuMap, node, $"entry {entry} of iommu-map leads to {unit.Path}, which has no #iommu-cells: correct the reference, or add it there");
        else if (cells != 1)
            context.Problem(FindingCode.IommuMap, node, $"entry {entry} of iommu-map leads to {unit.Path}, whose #iommu-cells is {cells}: a map gives one argument, so it must be 1");
        else if (node.IsPresent && !unit.IsPresent)
            context.Error(FindingCode.Disabled, node, $"is enabled but the unit {unit.Path} of its iommu-map is not: set status = \"okay\" there, or disable this node");
        var limit = context.Units.TryGetValue(unit, out var kind) && kind is { MaximumCells: > 0 } ? kind.MaximumId : uint.MaxValue;
        if (count > 0 && (ulong)to + count - 1 > limit)
            context.Problem(FindingCode.IdRange, node, $"entry {entry} of iommu-map reaches id {(ulong)to + count - 1} on {unit.Path}, beyond its highest, {limit}: correct the base or the count");
    }
}
