using System.Buffers.Binary;

namespace Aperture.DeviceTrees;

/// <summary>A node of a tree that is being changed.</summary>
internal sealed class TreeDraft
{
    private readonly Dictionary<string, byte[]> _properties = new(StringComparer.Ordinal);
    private readonly List<string> _order = []; // names of the properties in their order

    private TreeDraft(string name, string source)
    {
        Name = name;
        Source = source;
    }

    /// <summary>The name with its unit address.</summary>
    public string Name { get; }

    /// <summary>The path of the node that this was copied from.</summary>
    public string Source { get; }

    /// <summary>The nodes below.</summary>
    public List<TreeDraft> Children { get; } = [];

    /// <summary>The names of the properties.</summary>
    public IReadOnlyList<string> Properties => _order;

    /// <summary>The number by which others refer to the node; zero without one.</summary>
    public uint Phandle => Cell("phandle") is > 0 and var phandle ? phandle : Cell("linux,phandle");

    /// <summary>A copy of a node and all below it. Depth is what the reader allows.</summary>
    public static TreeDraft Of(DeviceTreeNode node)
    {
        var draft = new TreeDraft(node.Name, node.Path);
        foreach (var property in node.Properties)
            draft.Set(property.Name, property.Value.ToArray());
        foreach (var child in node.Children)
            draft.Children.Add(Of(child));
        return draft;
    }

    /// <summary>A new node below this one.</summary>
    public TreeDraft Add(string name, string source)
    {
        var child = new TreeDraft(name, source);
        Children.Add(child);
        return child;
    }

    /// <summary>The first child of that name; a name without unit address also means one that has an address.</summary>
    public TreeDraft? Child(string name) => Children.Find(child => child.Name == name
        || (!name.Contains('@', StringComparison.Ordinal) && child.Name.StartsWith(name + "@", StringComparison.Ordinal)));

    /// <summary>The node at a path from here, without a slash in front; this one for an empty path.</summary>
    public TreeDraft? Find(string path)
    {
        var node = this;
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (node.Child(part) is not { } child)
                return null;
            node = child;
        }

        return node;
    }

    /// <summary>A property's bytes, to read and to change; null without it.</summary>
    public byte[]? Property(string name) => _properties.GetValueOrDefault(name);

    /// <summary>Sets a property.</summary>
    public void Set(string name, byte[] value)
    {
        if (!_properties.ContainsKey(name))
            _order.Add(name);
        _properties[name] = value;
    }

    /// <summary>This node and all below it.</summary>
    public IEnumerable<TreeDraft> All()
    {
        var stack = new Stack<TreeDraft>([this]);
        while (stack.TryPop(out var node))
        {
            yield return node;
            foreach (var child in node.Children)
                stack.Push(child);
        }
    }

    /// <summary>Writes the node and all below it.</summary>
    public void Write(DeviceTreeWriter writer)
    {
        writer.BeginNode(Name);
        foreach (var name in _order)
            writer.Property(name, _properties[name]);
        foreach (var child in Children)
            child.Write(writer);
        writer.EndNode();
    }

    private uint Cell(string name) => Property(name) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;
}
