using System.IO.Enumeration;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Devices that somebody wants behind an IOMMU are.</summary>
internal static class RequiredMasters
{
    internal static IEnumerable<Finding> Check(DeviceTree tree, string pattern)
    {
        DeviceTreeNode[] found =
            [.. tree.HardwareNodes().Where(node => node is { IsPresent: true, Parent: not null } && IsMeant(node, pattern))];
        if (found.Length == 0)
            yield return new Finding(
                FindingCode.Required, FindingSeverity.Error, tree.Root.Path, $"no enabled device is called {pattern}, which was to be "
                    + "behind an IOMMU");
        foreach (var node in found)
        {
            if (WhyNot(node) is { } why)
                yield return new Finding(
                    FindingCode.Required, FindingSeverity.Error, node.Path, $"is to be behind an IOMMU ({pattern}), but {why}");
        }
    }

    private static bool IsMeant(DeviceTreeNode node, string pattern) => !node.Compatible.IsEmpty &&
        ((string[])[node.Path, node.Name, node.DeviceName, .. node.Compatible])
            .Any(name => FileSystemName.MatchesSimpleExpression(pattern, name, false));

    private static string? WhyNot(DeviceTreeNode node)
    {
        if (node.TryGetIommuMap(out var entries) == Core.Status.Ok)
            return entries.FirstOrDefault(entry => entry.Unit is not { IsPresent: true }) is { Phandle: > 0 } lost
                ? $"its iommu-map leads to {lost.Unit?.Path ?? "nowhere"}, which is not there or disabled"
                : null;
        var units = node.Iommus();
        if (units.IsEmpty)
            return "has no iommus";
        return units.FirstOrDefault(unit => !unit.IsValid || !unit.Target.IsPresent) is { Phandle: > 0 } off
            ? $"its unit {off.Target?.Path ?? "is nowhere, and"} is not there or disabled"
            : null;
    }
}
