using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

/// <summary>A board's device tree, read from a flattened device tree blob of version 16 or 17 (Devicetree Specification 0.4, chapter 5).
/// Immutable.</summary>
public sealed partial class DeviceTree
{
    // Every node that has a legal phandle; of two with the same one the first in the blob.
    private readonly Dictionary<uint, DeviceTreeNode> _phandles = [];

    internal DeviceTree(int size, uint version, uint bootCpu, ImmutableArray<MemoryReservation> reservations)
    {
        Size = size;
        Version = version;
        BootCpu = bootCpu;
        MemoryReservations = reservations;
        Root = new DeviceTreeNode(this, string.Empty, null, 0);
    }

    /// <summary>Bytes of the blob, as it declares itself.</summary>
    public int Size { get; }

    /// <summary>The version of the blob's format, 16 or more.</summary>
    public uint Version { get; }

    /// <summary>The physical number of the processor that boots.</summary>
    public uint BootCpu { get; }

    /// <summary>The memory reservation block: memory that no one may use. Entries of no length are left out.</summary>
    public ImmutableArray<MemoryReservation> MemoryReservations { get; }

    /// <summary>The root node.</summary>
    public DeviceTreeNode Root { get; private set; }

    /// <summary>What board this is: the root's first <c>compatible</c>, else its <c>model</c>, else "unknown".</summary>
    public string Board => Root.Compatible is [var first, ..] ? first : Root.String("model") ?? "unknown";

    /// <summary>Whether it is an overlay, a piece to be put onto a board's tree: a node below the root has its content in
    /// <c>__overlay__</c>.</summary>
    public bool IsOverlay => Root.Children.Any(fragment => fragment.Child("__overlay__") is not null);

    /// <summary>Reads a blob.</summary>
    /// <param name="blob">The blob; it is copied, so later changes to it are not seen. Bytes behind its declared size are ignored.</param>
    /// <exception cref="DeviceTreeException">The blob is malformed. Duplicate nodes and properties count as such.</exception>
    public static DeviceTree Parse(ReadOnlyMemory<byte> blob) => FlattenedDeviceTree.Parse(blob);

    /// <summary>All nodes, depth first in the blob's order.</summary>
    public IEnumerable<DeviceTreeNode> Nodes() => Root.DescendantsAndSelf();

    /// <summary>The node with that phandle; null without one. When two nodes carry the same phandle the first one in the blob has
    /// it.</summary>
    public DeviceTreeNode? FindByPhandle(uint phandle) => _phandles.GetValueOrDefault(phandle);

    /// <summary>The node at a path, such as <c>/ocp/isp@480bc000</c>. A path that does not begin with a slash begins with an alias.
    /// A component without its unit address finds the first child of that base name. Null if there is none.</summary>
    public DeviceTreeNode? Find(string path)
    {
        var node = Root;
        if (!path.StartsWith('/'))
        {
            var slash = path.IndexOf('/', StringComparison.Ordinal);
            var alias = slash < 0 ? path : path[..slash];
            // An alias holds a full path, never another alias, so this cannot go round in a circle.
            if (Root.Child("aliases")?.String(alias) is not { } target || !target.StartsWith('/') || Find(target) is not { } start)
                return null;
            node = start;
            path = slash < 0 ? string.Empty : path[slash..];
        }
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (node.Child(part) is not { } child)
                return null;
            node = child;
        }
        return node;
    }

    /// <summary>The aliases: name and the node it stands for; aliases that lead nowhere are left out.</summary>
    public IEnumerable<KeyValuePair<string, DeviceTreeNode>> Aliases()
    {
        foreach (var property in Root.Child("aliases")?.Properties ?? [])
        {
            if (property.TryGetString(out var path) && path.StartsWith('/') && Find(path) is { } node)
                yield return new(property.Name, node);
        }
    }

    internal void Complete(DeviceTreeNode root)
    {
        Root = root;
        // A frame buffer below /chosen may well be referred to.
        var chosen = root.Child("chosen")?.DescendantsAndSelf() ?? [];
        foreach (var node in HardwareNodes().Concat(chosen))
        {
            if (node.Phandle is { } phandle)
                _phandles.TryAdd(phandle, node);
        }
    }
}
