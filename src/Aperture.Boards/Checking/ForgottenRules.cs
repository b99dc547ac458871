namespace Aperture.Boards.Checking;

/// <summary>Things that are there without what usually stands beside them.</summary>
internal static class ForgottenRules
{
    internal static void Check(CheckContext context)
    {
        foreach (var unit in context.Units.Keys)
        {
            if (unit.IsPresent && context.MastersOf(unit).Count == 0 && unit.Has("#iommu-cells"))
                context.Info(FindingCode.Forgotten, unit, "no enabled master refers to it: add iommus to its masters, or disable it");
        }

        // Blocks of one kind on one bus are usually all behind a unit, or none of them is.
        foreach (var like in context.Nodes.Where(node => node is { IsPresent: true, Parent: not null, Compatible.IsEmpty: false })
            .GroupBy(node => (node.Parent, node.BaseName, node.Compatible[0])))
        {
            if (like.FirstOrDefault(node => node.Has("iommus")) is not { } master)
                continue;
            foreach (var node in like.Where(node => !node.Has("iommus") && !node.Has("iommu-map") && !node.Has("iommu")))
                context.Info(
                    FindingCode.Forgotten,
                    node,
                    $"has no iommus, and {master.Path}, which is of its kind, has: its DMA is not confined; add iommus if it passes a "
                        + "unit");
        }
    }
}
