namespace Aperture.DeviceTrees;

// Nodes that hold names of other nodes, and no hardware.
public sealed partial class DeviceTree
{
    // Devicetree Specification 0.4, chapters 3.3 and 3.6; labels and fixups as dtc writes them; overrides as loaders of small boards read
    // them.
    private static readonly string[] s_nameTables =
        ["aliases", "chosen", "__symbols__", "__fixups__", "__local_fixups__", "__overrides__"];

    /// <summary>All nodes that describe hardware, depth first in the blob's order. What is left out are tables of names below the root and
    /// all that is in them: <c>aliases</c>, <c>chosen</c>, and what a compiler keeps of labels (<c>__symbols__</c>, <c>__fixups__</c>,
    /// <c>__local_fixups__</c>, <c>__overrides__</c>). Their properties are called like labels or hold offsets, whatever they look
    /// like.</summary>
    public IEnumerable<DeviceTreeNode> HardwareNodes()
    {
        yield return Root;
        foreach (var child in Root.Children)
        {
            if (IsNameTable(child))
                continue;
            foreach (var node in child.DescendantsAndSelf())
                yield return node;
        }
    }

    private static bool IsNameTable(DeviceTreeNode node) => node.Depth == 1 && s_nameTables.Contains(node.Name);
}
