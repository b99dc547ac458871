using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

/// <summary>One node of a device tree. Immutable; every accessor is safe on hostile input: what cannot be read is absent or carries an
/// error, nothing throws.</summary>
public sealed partial class DeviceTreeNode
{
    // More entries than this are found through an index instead of a scan.
    private const int ScanLimit = 12;

    // The properties by name; null while a scan does.
    private Dictionary<string, DeviceTreeProperty>? _propertyIndex;

    // The children by full name; null while a scan does.
    private Dictionary<string, DeviceTreeNode>? _childIndex;

    // The strings of "compatible"; default until first asked for.
    private ImmutableArray<string> _compatible;

    // The path; null until first asked for.
    private string? _path;

    internal DeviceTreeNode(DeviceTree tree, string name, DeviceTreeNode? parent, int offset)
    {
        Tree = tree;
        Name = name;
        Parent = parent;
        Depth = parent is null ? 0 : parent.Depth + 1;
        Offset = offset;
    }

    /// <summary>The tree that the node belongs to.</summary>
    public DeviceTree Tree { get; }

    /// <summary>The name with its unit address, such as <c>isp@480bc000</c>; empty for the root.</summary>
    public string Name { get; }

    /// <summary>The node above; null for the root.</summary>
    public DeviceTreeNode? Parent { get; }

    /// <summary>How many nodes are above this one.</summary>
    public int Depth { get; }

    /// <summary>Where the node's token lies in the blob, in bytes.</summary>
    public int Offset { get; }

    /// <summary>The nodes below, in the blob's order.</summary>
    public ImmutableArray<DeviceTreeNode> Children { get; private set; } = [];

    /// <summary>The properties, in the blob's order.</summary>
    public ImmutableArray<DeviceTreeProperty> Properties { get; private set; } = [];

    /// <summary>The name without its unit address.</summary>
    public string BaseName => Name.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? Name[..at] : Name;

    /// <summary>What follows the <c>@</c> of the name; null without one.</summary>
    public string? UnitAddress => Name.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? Name[(at + 1)..] : null;

    /// <summary>The full path from the root, such as <c>/ocp/isp@480bc000</c>.</summary>
    public string Path => _path ??= Parent is null ? "/" : Parent.Parent is null ? "/" + Name : Parent.Path + "/" + Name;

    /// <summary>The number by which other nodes refer to this one (<c>phandle</c>, or the older <c>linux,phandle</c>); null without a legal
    /// one.</summary>
    public uint? Phandle =>
        (Property("phandle") ?? Property("linux,phandle")) is { } p && p.TryGetU32(out var value) && value is not (0 or uint.MaxValue)
            ? value : null;

    /// <summary>The strings of <c>compatible</c>, most specific first; empty without any.</summary>
    public ImmutableArray<string> Compatible
    {
        get
        {
            if (_compatible.IsDefault)
                ImmutableInterlocked.InterlockedInitialize(ref _compatible, Property("compatible")?.Strings() ?? []);
            return _compatible;
        }
    }

    /// <summary>Whether the node's own <c>status</c> lets it be used: absent, <c>okay</c> or <c>ok</c>.</summary>
    public bool IsEnabled => Property("status") is not { } p || (p.TryGetString(out var status) && status is "okay" or "ok");

    /// <summary>Whether the node and every node above it are enabled.</summary>
    public bool IsPresent
    {
        get
        {
            for (var node = this; node is not null; node = node.Parent)
            {
                if (!node.IsEnabled)
                    return false;
            }
            return true;
        }
    }

    /// <summary>The property of that name; null without one.</summary>
    public DeviceTreeProperty? Property(string name)
    {
        if (_propertyIndex is not null)
            return _propertyIndex.GetValueOrDefault(name);
        foreach (var property in Properties)
        {
            if (property.Name == name)
                return property;
        }
        return null;
    }

    /// <summary>Whether there is a property of that name.</summary>
    public bool Has(string name) => Property(name) is not null;

    /// <summary>The child of that full name, else the first child of that base name; null without one.</summary>
    public DeviceTreeNode? Child(string name)
    {
        if (_childIndex is not null && _childIndex.TryGetValue(name, out var indexed))
            return indexed;
        DeviceTreeNode? byBase = null;
        foreach (var child in Children)
        {
            if (child.Name == name)
                return child;
            if (byBase is null && child.Name.Length > name.Length && child.Name[name.Length] == '@'
                && child.Name.StartsWith(name, StringComparison.Ordinal))
                byBase = child;
        }
        return byBase;
    }

    /// <summary>A property as one 32-bit number; null when it is absent or not four bytes long.</summary>
    public uint? U32(string name) => Property(name) is { } p && p.TryGetU32(out var value) ? value : null;

    /// <summary>A property's first string; null when it is absent or not terminated.</summary>
    public string? String(string name) => Property(name) is { } p && p.TryGetString(out var value) ? value : null;

    /// <summary>Whether <c>compatible</c> names <paramref name="compatible"/>.</summary>
    public bool IsCompatible(string compatible) => Compatible.Contains(compatible);

    /// <summary>The node and everything below it, depth first in the blob's order.</summary>
    public IEnumerable<DeviceTreeNode> DescendantsAndSelf()
    {
        var stack = new Stack<DeviceTreeNode>();
        stack.Push(this);
        while (stack.TryPop(out var node))
        {
            yield return node;
            for (var i = node.Children.Length - 1; i >= 0; i--)
                stack.Push(node.Children[i]);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Path;

    internal void Complete(ImmutableArray<DeviceTreeProperty> properties, ImmutableArray<DeviceTreeNode> children)
    {
        Properties = properties;
        Children = children;
        // Building the index is what finds duplicates, so that a node with very many of either costs no square.
        if (properties.Length > ScanLimit)
            _propertyIndex = new(properties.Length, StringComparer.Ordinal);
        for (var i = 0; i < properties.Length; i++)
        {
            var property = properties[i];
            if (_propertyIndex is not null ? !_propertyIndex.TryAdd(property.Name, property) : properties.AsSpan()[..i]
                .ContainsName(property.Name))
                throw new DeviceTreeException($"offset 0x{property.Offset:x}: duplicate property '{property.Name}' in node '{Name}'");
        }
        if (children.Length > ScanLimit)
            _childIndex = new(children.Length, StringComparer.Ordinal);
        for (var i = 0; i < children.Length; i++)
        {
            var child = children[i];
            if (_childIndex is not null ? !_childIndex.TryAdd(child.Name, child) : children.AsSpan()[..i].ContainsName(child.Name))
                throw new DeviceTreeException($"offset 0x{child.Offset:x}: duplicate node '{child.Name}' in node '{Name}'");
        }
    }
}
