using Aperture.Boards.Masters;
using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>What the rules share: the tree, its masters and units, and the findings so far.</summary>
internal sealed class CheckContext
{
    // The findings, each with its node, and the unit that it may follow from.
    private readonly List<(Finding Finding, DeviceTreeNode Node, DeviceTreeNode? Because)> _findings = [];

    // What is known of every unit node; null for a unit of unknown kind.
    private readonly Dictionary<DeviceTreeNode, UnitBinding?> _units = [];

    // The kinds of the unit nodes that have a model.
    private readonly Dictionary<DeviceTreeNode, UnitKind> _kinds = [];

    // Who refers to a unit; null until somebody asks.
    private Dictionary<DeviceTreeNode, List<DeviceTreeNode>>? _mastersOf;

    internal CheckContext(DeviceTree tree, UnitList kinds)
    {
        Tree = tree;
        Nodes = [.. tree.HardwareNodes()];
        Devices = tree.Devices().ToHashSet();
        Memory = new MemoryPlan(tree, null, new MachineOptions().FallbackMemory);
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

    /// <summary>The nodes that become devices.</summary>
    internal IReadOnlySet<DeviceTreeNode> Devices { get; }

    /// <summary>Where a machine of this tree has its RAM and its reserved regions.</summary>
    internal MemoryPlan Memory { get; }

    /// <summary>All nodes of hardware in the tree's order.</summary>
    internal IReadOnlyList<DeviceTreeNode> Nodes { get; }

    /// <summary>The nodes that have <c>iommus</c>, enabled or not.</summary>
    internal IReadOnlyList<DeviceTreeNode> Masters { get; }

    /// <summary>The nodes that are IOMMU units: of a known kind, or with <c>#iommu-cells</c>.</summary>
    internal IReadOnlyDictionary<DeviceTreeNode, UnitBinding?> Units => _units;

    /// <summary>The unit nodes that have a model and a driver, with their kinds.</summary>
    internal IReadOnlyDictionary<DeviceTreeNode, UnitKind> Modelled => _kinds;

    internal bool IsUnit(DeviceTreeNode node) => _units.ContainsKey(node);

    /// <summary>The enabled nodes whose <c>iommus</c> or <c>iommu-map</c> leads to a unit, in the tree's order.</summary>
    internal IReadOnlyList<DeviceTreeNode> MastersOf(DeviceTreeNode unit)
    {
        if (_mastersOf is null)
        {
            _mastersOf = [];
            foreach (var node in Nodes.Where(node => node.IsPresent && (node.Has("iommus") || node.Has("iommu-map"))))
            {
                var mapped = node.TryGetIommuMap(out var entries) == Core.Status.Ok ? entries.Select(entry => entry.Unit) : [];
                var listed = node.Iommus().Select(reference => reference.Target);
                foreach (var target in listed.Concat(mapped).OfType<DeviceTreeNode>().Distinct())
                {
                    if (!_mastersOf.TryGetValue(target, out var masters))
                        _mastersOf.Add(target, masters = []);
                    masters.Add(node);
                }
            }
        }

        return _mastersOf.GetValueOrDefault(unit) ?? [];
    }

    /// <summary>Whether a machine has a model at the registers of a node, and so needs them for itself.</summary>
    internal static bool HasModel(DeviceTreeNode node) => MasterList.Default.Find(node) is not null;

    /// <summary>Whether a node becomes a device of a machine: a modelled unit, or a master behind such units.</summary>
    internal bool IsBooted(DeviceTreeNode node) => node.IsPresent
        && (Modelled.ContainsKey(node) || (node.Iommus() is { IsEmpty: false } units
            && units.All(unit => unit.IsValid && unit.Target.IsPresent && Modelled.ContainsKey(unit.Target))));

    /// <summary>The findings in the tree's order, each with those that follow from it.</summary>
    internal IReadOnlyList<Finding> Findings()
    {
        var causes = new Dictionary<DeviceTreeNode, int>();
        for (var i = 0; i < _findings.Count; i++)
        {
            if (_findings[i].Finding is { Severity: not FindingSeverity.Info, Code: FindingCode.Cells or FindingCode.IommuCells }
                && IsUnit(_findings[i].Node))
                causes.TryAdd(_findings[i].Node, i);
        }

        var followUps = _findings.Where(entry => entry.Because is { } cause && causes.ContainsKey(cause) && cause != entry.Node)
            .ToLookup(entry => entry.Because!);
        return
        [
            .. _findings.Select((entry, i) => (entry, IsCause: causes.TryGetValue(entry.Node, out var first) && first == i))
                .Where(each => each.entry.Because is not { } cause || !causes.ContainsKey(cause) || cause == each.entry.Node)
                .OrderBy(each => each.entry.Node.Offset)
                .Select(each => each.IsCause && followUps.Contains(each.entry.Node)
                    ? each.entry.Finding with
                    {
                        FollowUps = [.. followUps[each.entry.Node].OrderBy(entry => entry.Node.Offset).Select(entry => entry.Finding)],
                    }
                    : each.entry.Finding),
        ];
    }

    /// <param name="code">One of <see cref="FindingCode"/>.</param>
    /// <param name="node">The node.</param>
    /// <param name="message">One line.</param>
    /// <param name="because">A unit that it follows from if the unit itself is said to be wrong.</param>
    internal void Error(string code, DeviceTreeNode node, string message, DeviceTreeNode? because = null) =>
        Add(code, FindingSeverity.Error, node, message, because);

    internal void Warning(string code, DeviceTreeNode node, string message, DeviceTreeNode? because = null) =>
        Add(code, FindingSeverity.Warning, node, message, because);

    internal void Info(string code, DeviceTreeNode node, string message) => Add(code, FindingSeverity.Info, node, message, null);

    /// <summary>An error in a node that is used; a warning in one that is disabled.</summary>
    internal void Problem(string code, DeviceTreeNode node, string message, DeviceTreeNode? because = null) =>
        Add(code, node.IsPresent ? FindingSeverity.Error : FindingSeverity.Warning, node, message, because);

    private void Add(string code, FindingSeverity severity, DeviceTreeNode node, string message, DeviceTreeNode? because) =>
        _findings.Add((new Finding(code, severity, node.Path, message), node, because));
}
