using Aperture.DeviceTrees;

namespace Aperture.Tool.Tests.Run;

/// <summary>A tree of ours, changed: properties and nodes are replaced on the way through the writer.</summary>
internal sealed class BrokenBoard(DeviceTree tree)
{
    private readonly Dictionary<(string Path, string Property), byte[]?> _properties = []; // null: left out
    private readonly HashSet<string> _removed = [];

    public BrokenBoard Strings(string path, string property, params string[] values) =>
        Bytes(path, property, System.Text.Encoding.ASCII.GetBytes(string.Join('\0', values) + '\0'));

    public BrokenBoard Cells(string path, string property, params uint[] cells) =>
        Bytes(path, property,
        [.. cells.SelectMany(cell => (byte[])[(byte)(cell >> 24), (byte)(cell >> 16), (byte)(cell >> 8), (byte)cell])]);

    public BrokenBoard Without(string path, string property) => Bytes(path, property, null);

    public BrokenBoard Disable(string path) => Strings(path, "status", "disabled");

    public BrokenBoard Remove(string path)
    {
        _removed.Add(Find(path).Path);
        return this;
    }

    /// <summary>The node whose device has that name, or that path.</summary>
    public DeviceTreeNode Find(string name) => tree.Nodes().Single(node => node.Path == name || node.DeviceName == name);

    public byte[] Blob()
    {
        var writer = new DeviceTreeWriter();
        Write(writer, tree.Root);
        return writer.ToArray();
    }

    public DeviceTree Build() => DeviceTree.Parse(Blob());

    private BrokenBoard Bytes(string path, string property, byte[]? value)
    {
        _properties[(Find(path).Path, property)] = value;
        return this;
    }

    private void Write(DeviceTreeWriter writer, DeviceTreeNode node)
    {
        writer.BeginNode(node.Name);
        foreach (var property in node.Properties)
        {
            if (!_properties.ContainsKey((node.Path, property.Name)))
                writer.Property(property.Name, property.Value.Span);
        }

        foreach (var ((path, property), value) in _properties)
        {
            if (path == node.Path && value is not null)
                writer.Property(property, value);
        }

        foreach (var child in node.Children.Where(child => !_removed.Contains(child.Path)))
            Write(writer, child);
        writer.EndNode();
    }
}
