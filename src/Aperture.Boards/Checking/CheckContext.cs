using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>What the rules share: the tree, its masters and units, and the findings so far.</summary>
internal sealed class CheckContext
{
    // The findings, each with its node's place in the tree for sorting.
    private readonly List<(int Offset, Finding Finding)> _findings = [];

    // What is known of every unit node; null for a unit of unknown kind.
    private readonly Dictionary<DeviceTreeNode, UnitBinding?> _units = [];

    // The kinds of the unit nodes that have a model.
    private readonly Dictionary<DeviceTreeNode, UnitKind> _kinds = [];

    internal CheckContext(DeviceTree tree, UnitList kinds)
    {
        Tree = tree;
        Nodes = [.. tree.Nodes()];
        Masters = [.. Nodes.Where(n => n.Has("iommus"))];
        foreach (var node in Nodes)
        {
            if (kinds.TryFind(node, out var kind, out var binding))
                (_kinds[node], _units[node]) = (kind, binding);
            else if (UnitCatalog.Find(node) is { } known)
                _units[node] = known;
            else if (node.Has("#iommu-cells"))
                _units[node] = null;
        }
    }

    internal DeviceTree Tree { get; }

    /// <summary>All nodes in the tree's order.</summary>
    internal IReadOnlyList<DeviceTreeNode> Nodes { get; }

    /// <summary>The nodes that have <c>iommus</c>, enabled or not.</summary>
    internal IReadOnlyList<DeviceTreeNode> Masters { get; }

    /// <summary>The nodes that are IOMMU units: of a known kind, or with <c>#iommu-cells</c>.</summary>
    internal IReadOnlyDictionary<DeviceTreeNode, UnitBinding?> Units => _units;

    /// <summary>The unit nodes that have a model and a driver, with their kinds.</summary>
    internal IReadOnlyDictionary<DeviceTreeNode, UnitKind> Modelled => _kinds;

    /// <summary>The findings in the tree's order.</summary>
    internal IReadOnlyList<Finding> Findings => [.. _findings.OrderBy(f => f.Offset).Select(f => f.Finding)];

    internal bool IsUnit(DeviceTreeNode node) => _units.ContainsKey(node);

    internal void Error(string code, DeviceTreeNode node, string message) => Add(code, FindingSeverity.Error, node, message);

    internal void Warning(string code, DeviceTreeNode node, string message) => Add(code, FindingSeverity.Warning, node, message);

    internal void Info(string code, DeviceTreeNode node, string message) => Add(code, FindingSeverity.Info, node, message);

    /// <summary>An error in a node that is used; a warning in one that is disabled.</summary>
    internal void Problem(string code, DeviceTreeNode node, string message) =>
        Add(code, node.IsPresent ? FindingSeverity.Error : FindingSeverity.Warning, node, message);

    private void Add(string code, FindingSeverity severity, DeviceTreeNode node, string message) =>
        _findings.Add((node.Offset, new Finding(code, severity, node.Path, message)));
}
