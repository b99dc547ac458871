using System.Buffers.Binary;
using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Tests.DeviceTrees;

public class HostileBlobTests
{
    private static byte[] Sound => new DeviceTreeWriter().BeginNode("").Cells("x", 1, 2).BeginNode("a").Property("flag").EndNode().EndNode()
        .ToArray();

    [Fact]
    public void A_sound_blob_parses()
    {
        var tree = DeviceTree.Parse(Sound);
        Assert.Equal(["/", "/a"], tree.Nodes().Select(n => n.Path));
        Assert.Equal(17u, tree.Version);
    }

    [Fact]
    public void Every_truncation_is_refused()
    {
        Assert.True(Sound.Length > 40); // a header, and something behind it
        for (var length = 0; length < Sound.Length; length++)
            Refused(Sound[..length]);
    }

    [Theory]
    [InlineData(0, 0xD00DFEEEu, "bad magic")]
    [InlineData(4, 0xFFFFFFFFu, "total size")]
    [InlineData(4, 8u, "total size")]
    [InlineData(8, 0xFFFFFFFCu, "structure block")]
    [InlineData(8, 57u, "not aligned")]
    [InlineData(12, 0x7FFFFFFFu, "strings block")]
    [InlineData(16, 0x7FFFFFF8u, "memory reservation block")]
    [InlineData(20, 3u, "version 3")]
    [InlineData(24, 18u, "version 17 (compatible down to 18)")]
    [InlineData(32, 0xFFFFFFFFu, "strings block")]
    [InlineData(36, 0xFFFFFFFFu, "structure block")]
    [InlineData(36, 8u, "structure block ends")]
    [InlineData(8, 40u, "overlap")]
    public void Bad_header(int field, uint value, string message)
    {
        var blob = Sound;
        BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(field), value);
        Assert.Contains(message, Refused(blob).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Property_beyond_its_block()
    {
        var tree = DeviceTree.Parse(Sound);
        foreach (var (field, value) in new[] { (4, 0x7FFFFFFFu), (4, 0xFFFFFFFFu), (8, 1000u) })
        {
            var blob = Sound;
            BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(tree.Root.Property("x")!.Offset + field), value);
            Refused(blob);
        }
    }

    [Fact]
    public void Strings_without_an_end()
    {
        var blob = Sound;
        blob[^1] = (byte)'x';
        Assert.Contains("not terminated", Refused(blob).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_has_a_bound()
    {
        Assert.Equal(63, DeviceTree.Parse(Nested(64)).Nodes().Max(n => n.Depth));
        Assert.Contains("deeper", Refused(Nested(65)).Message, StringComparison.Ordinal);
        Refused(Nested(100_000));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(100)]
    public void Duplicates_are_refused(int count)
    {
        var properties = new DeviceTreeWriter().BeginNode("");
        var nodes = new DeviceTreeWriter().BeginNode("");
        for (var i = 0; i < count; i++)
        {
            properties.Cells($"p{i}", 1);
            nodes.BeginNode($"n{i}").EndNode();
        }
        Assert.Contains("duplicate property 'p1'", Refused(properties.Cells("p1", 2).EndNode().ToArray()).Message,
            StringComparison.Ordinal);
        Assert.Contains("duplicate node 'n1'", Refused(nodes.BeginNode("n1").EndNode().EndNode().ToArray()).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Names_are_there_and_printable()
    {
        Refused(new DeviceTreeWriter().BeginNode("").BeginNode("").EndNode().EndNode().ToArray());
        Refused(new DeviceTreeWriter().BeginNode("root").EndNode().ToArray());
        Refused(new DeviceTreeWriter().BeginNode("").Property("").EndNode().ToArray());
        Refused(new DeviceTreeWriter().BeginNode("").Property("a\nb").EndNode().ToArray());
        Refused(new DeviceTreeWriter().BeginNode("").BeginNode("a/b").EndNode().EndNode().ToArray());
        Refused(new DeviceTreeWriter().BeginNode("").BeginNode(new string('x', 256)).EndNode().EndNode().ToArray());
    }

    [Fact]
    public void Structure_is_in_order()
    {
        Refused(new DeviceTreeWriter().ToArray());
        Refused(new DeviceTreeWriter().BeginNode("").EndNode().BeginNode("").EndNode().ToArray());
        Refused(new DeviceTreeWriter().Cells("x", 1).BeginNode("").EndNode().ToArray());
        Refused(new DeviceTreeWriter().BeginNode("").BeginNode("a").EndNode().Cells("x", 1).EndNode().ToArray());
    }

    [Fact]
    public void Very_many_properties_and_nodes_take_linear_time()
    {
        var writer = new DeviceTreeWriter().BeginNode("");
        for (var i = 0; i < 100_000; i++)
            writer.Property($"p{i}");
        for (var i = 0; i < 100_000; i++)
            writer.BeginNode($"n{i}").EndNode();
        var tree = DeviceTree.Parse(writer.EndNode().ToArray());
        Assert.NotNull(tree.Root.Property("p99999"));
        Assert.NotNull(tree.Find("/n99999"));
    }

    [Fact]
    public void Version_16_has_no_size_of_the_structure_block()
    {
        var blob = Sound;
        BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(20), 16);
        BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(36), 0xDEADBEEF);
        Assert.NotNull(DeviceTree.Parse(blob).Find("/a"));
    }

    [Fact]
    public void Later_changes_to_the_bytes_are_not_seen()
    {
        var blob = Sound;
        var tree = DeviceTree.Parse(blob);
        Array.Clear(blob);
        Assert.Equal(2u, tree.Root.Property("x")!.Cell(1));
    }

    private static DeviceTreeException Refused(byte[] blob)
    {
        var exception = Assert.Throws<DeviceTreeException>(() => DeviceTree.Parse(blob));
        Assert.Equal(Status.InvalidArgument, exception.Status);
        Assert.StartsWith("offset 0x", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', exception.Message);
        return exception;
    }

    private static byte[] Nested(int depth)
    {
        var writer = new DeviceTreeWriter().BeginNode("");
        for (var i = 1; i < depth; i++)
            writer.BeginNode("n");
        for (var i = 0; i < depth; i++)
            writer.EndNode();
        return writer.ToArray();
    }
}
