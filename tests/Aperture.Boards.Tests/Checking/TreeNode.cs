using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Checking;

/// <summary>A small tree for a test: nodes that can be changed before they become a blob.</summary>
internal sealed class TreeNode(string name)
{
    private readonly List<(string Name, Action<DeviceTreeWriter> Write)> _properties = [];
    private readonly List<TreeNode> _children = [];

    public TreeNode Cells(string property, params uint[] cells) => Set(property, w => w.Cells(property, cells));

    public TreeNode Strings(string property, params string[] values) => Set(property, w => w.Strings(property, values));

    public TreeNode Bytes(string property, params byte[] bytes) => Set(property, w => w.Property(property, bytes));

    public TreeNode Flag(string property) => Bytes(property);

    public TreeNode Without(string property)
    {
        _properties.RemoveAll(p => p.Name == property);
        return this;
    }

    public TreeNode Add(params TreeNode[] children)
    {
        _children.AddRange(children);
        return this;
    }

    public DeviceTree Build()
    {
        var writer = new DeviceTreeWriter();
        Write(writer);
        return DeviceTree.Parse(writer.ToArray());
    }

    private TreeNode Set(string property, Action<DeviceTreeWriter> write)
    {
        Without(property);
        _properties.Add((property, write));
        return this;
    }

    private void Write(DeviceTreeWriter writer)
    {
        writer.BeginNode(name);
        foreach (var (_, write) in _properties)
            write(writer);
        foreach (var child in _children)
            child.Write(writer);
        writer.EndNode();
    }
}
