using System.Buffers.Binary;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Trees;

/// <summary>A tree that a test changes: nodes by path, properties by name.</summary>
internal sealed class TreeEdit
{
    private readonly DeviceTree _tree;
    private readonly Dictionary<(string Node, string Property), byte[]?> _changed = []; // null: removed
    private readonly Dictionary<string, List<(string Name, (string Name, byte[] Value)[] Properties)>> _added = [];
    private readonly HashSet<string> _removed = [];

    public TreeEdit(DeviceTree tree) => _tree = tree;

    /// <summary>Sets a property.</summary>
    public TreeEdit Set(DeviceTreeNode node, string property, byte[] value)
    {
        _changed[(node.Path, property)] = value;
        return this;
    }

    /// <summary>Sets a property of cells.</summary>
    public TreeEdit Cells(DeviceTreeNode node, string property, params uint[] cells) => Set(node, property, Bytes(cells));

    /// <summary>Sets a property of strings.</summary>
    public TreeEdit Text(DeviceTreeNode node, string property, params string[] values) => Set(node, property, Bytes(values));

    /// <summary>Removes a property.</summary>
    public TreeEdit Without(DeviceTreeNode node, string property)
    {
        _changed[(node.Path, property)] = null;
        return this;
    }

    /// <summary>Gives a property another name.</summary>
    public TreeEdit Rename(DeviceTreeNode node, string property, string name) =>
        Without(node, property).Set(node, name, node.Property(property)!.Value.ToArray());

    /// <summary>Removes a node with all below it.</summary>
    public TreeEdit Remove(DeviceTreeNode node)
    {
        _removed.Add(node.Path);
        return this;
    }

    /// <summary>Adds a node at the end.</summary>
    public TreeEdit Add(DeviceTreeNode parent, string name, params (string Name, byte[] Value)[] properties)
    {
        if (!_added.TryGetValue(parent.Path, out var nodes))
            _added.Add(parent.Path, nodes = []);
        nodes.Add((name, properties));
        return this;
    }

    public static byte[] Bytes(params uint[] cells)
    {
        var bytes = new byte[cells.Length * 4];
        for (var i = 0; i < cells.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * 4), cells[i]);
        return bytes;
    }

    public static byte[] Bytes(params string[] values) =>
        [.. values.SelectMany(value => (byte[])[.. System.Text.Encoding.UTF8.GetBytes(value), 0])];

    public DeviceTree Build()
    {
        var writer = new DeviceTreeWriter();
        foreach (var reservation in _tree.MemoryReservations)
            writer.Reserve(reservation.Start.Value, reservation.Length);
        Write(_tree.Root, writer);
        return DeviceTree.Parse(writer.ToArray());
    }

    private void Write(DeviceTreeNode node, DeviceTreeWriter writer)
    {
        if (_removed.Contains(node.Path))
            return;
        writer.BeginNode(node.Name);
        var own = node.Properties.ToDictionary(property => property.Name, property => property.Value.ToArray());
        foreach (var ((path, name), value) in _changed.Where(change => change.Key.Node == node.Path))
        {
            if (value is null)
                own.Remove(name);
            else
                own[name] = value;
        }

        foreach (var (name, value) in own)
            writer.Property(name, value);
        foreach (var child in node.Children)
            Write(child, writer);
        foreach (var (name, properties) in _added.GetValueOrDefault(node.Path) ?? [])
        {
            writer.BeginNode(name);
            foreach (var property in properties)
                writer.Property(property.Name, property.Value);
            writer.EndNode();
        }

        writer.EndNode();
    }
}
