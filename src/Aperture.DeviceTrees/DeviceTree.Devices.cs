namespace Aperture.DeviceTrees;

// Which nodes are devices.
public sealed partial class DeviceTree
{
    // Buses that need no "ranges" of their own for their children to be devices.
    private static readonly string[] s_buses = ["simple-bus", "simple-mfd", "simple-pm-bus", "isa", "arm,amba-bus", "ti,sysc"];

    /// <summary>The nodes that become devices, in the blob's order: enabled, with a <c>compatible</c>, and a child of the root or of a bus
    /// that is itself enabled. A bus is a node with <c>ranges</c>, or one that says so in its <c>compatible</c> (<c>simple-bus</c>,
    /// <c>simple-mfd</c> and the like); a PCI bridge is none, for what is behind it is found by looking, and neither is
    /// <c>/reserved-memory</c>. A child of its parent's name at its parent's address (TI clock modules have such) is the parent once more
    /// and no device of its own: device names are unique in a sound tree.</summary>
    public IEnumerable<DeviceTreeNode> Devices()
    {
        var stack = new Stack<DeviceTreeNode>();
        Push(stack, Root);
        while (stack.TryPop(out var node))
        {
            if (!node.IsEnabled || IsNameTable(node) || (node.Depth == 1 && node.Name == "reserved-memory"))
                continue;
            if (!node.Compatible.IsEmpty && node.String("device_type") != "memory" && !RepeatsParent(node))
                yield return node;
            if (IsBus(node))
                Push(stack, node);
        }
    }

    private static bool RepeatsParent(DeviceTreeNode node) =>
        node.Address is { } address && address == node.Parent?.Address && node.BaseName == node.Parent.BaseName;

    private static bool IsBus(DeviceTreeNode node) =>
        node.String("device_type") is not ("pci" or "memory") && (node.Has("ranges") || node.Compatible.Any(c => s_buses.Contains(c)));

    private static void Push(Stack<DeviceTreeNode> stack, DeviceTreeNode parent)
    {
        for (var i = parent.Children.Length - 1; i >= 0; i--)
            stack.Push(parent.Children[i]);
    }
}
