using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>No device waits for itself by way of its suppliers.</summary>
internal static class CycleRules
{
    // Enough to mend a tree by; more come to light once these are gone. It bounds the work on a hostile one.
    private const int MaximumFindings = 32;

    // A longer circle is shown by its beginning.
    private const int MaximumNames = 12;

    internal static void Check(CheckContext context)
    {
        // Depth first over the suppliers without recursion; 1 = on the path, 2 = done.
        var state = new Dictionary<DeviceTreeNode, int>();
        var path = new List<(DeviceTreeNode Node, IEnumerator<DeviceTreeNode> Suppliers)>();
        var found = 0;
        foreach (var start in context.Nodes)
        {
            if (!start.IsPresent || state.ContainsKey(start))
                continue;
            Enter(start);
            while (path.Count > 0)
            {
                var (node, suppliers) = path[^1];
                if (!suppliers.MoveNext())
                {
                    state[node] = 2;
                    path.RemoveAt(path.Count - 1);
                }
                else if (!state.TryGetValue(suppliers.Current, out var seen))
                {
                    Enter(suppliers.Current);
                }
                else if (seen == 1 && found++ < MaximumFindings)
                {
                    var circle = path.Select(p => p.Node).SkipWhile(n => n != suppliers.Current).Append(suppliers.Current).ToList();
                    var names = string.Join(" -> ", circle.Take(MaximumNames).Select(n => n.Path));
                    context.Error(
                        FindingCode.Cycle,
                        suppliers.Current,
                        $"waits for itself: {names}{(circle.Count > MaximumNames ? " -> ..." : "")}; remove one of these references");
                }
            }
        }

        void Enter(DeviceTreeNode node)
        {
            state[node] = 1;
            path.Add((node, Suppliers(node).GetEnumerator()));
        }
    }

    private static IEnumerable<DeviceTreeNode> Suppliers(DeviceTreeNode node)
    {
        // A provider that consumes clocks or resets of its own, as clock controllers do, waits for nobody.
        var others = WaitedClocks(node).Concat(node.Resets()).Where(r => r.Target != node);
        PhandleReference[] all = [.. node.Iommus(), .. node.PowerDomains(), .. others];
        return all.Where(r => r.IsValid && r.Target.IsPresent).Select(r => r.Target!).Distinct();
    }

    // A clock provider with a choice of inputs works before all of them are there: clock controllers and the PHYs that feed
    // clocks back to them refer to each other on many boards. One with a single input has no choice.
    private static IEnumerable<PhandleReference> WaitedClocks(DeviceTreeNode node)
    {
        var clocks = node.Clocks();
        return node.Has("#clock-cells") && clocks.Length > 1 ? clocks.Where(c => c.Target?.Has("#clock-cells") != true) : clocks;
    }
}
