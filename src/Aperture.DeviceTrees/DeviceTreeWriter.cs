using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Aperture.DeviceTrees;

/// <summary>Writes a flattened device tree blob of version 17. Nodes are opened and closed in order, the root first; properties come before
/// child nodes.</summary>
public sealed class DeviceTreeWriter
{
    // The structure block so far.
    private readonly ArrayBufferWriter<byte> _structure = new();

    // The strings block so far.
    private readonly ArrayBufferWriter<byte> _strings = new();

    // The memory reservation block so far.
    private readonly ArrayBufferWriter<byte> _reservations = new();

    // Where each property name lies in the strings block.
    private readonly Dictionary<string, int> _names = [];

    // How many nodes are open.
    private int _open;

    /// <summary>The physical number of the processor that boots.</summary>
    public uint BootCpu { get; set; }

    /// <summary>Adds an entry to the memory reservation block.</summary>
    public DeviceTreeWriter Reserve(ulong start, ulong length)
    {
        WriteU64(_reservations, start);
        WriteU64(_reservations, length);
        return this;
    }

    /// <summary>Opens a node. The first one is the root and has the empty name.</summary>
    public DeviceTreeWriter BeginNode(string name)
    {
        _open++;
        WriteU32(_structure, FlattenedDeviceTree.BeginNode);
        _structure.Write(Encoding.ASCII.GetBytes(name));
        _structure.Write("\0"u8);
        Pad(_structure, 4);
        return this;
    }

    /// <summary>Closes the node opened last.</summary>
    /// <exception cref="InvalidOperationException">No node is open.</exception>
    public DeviceTreeWriter EndNode()
    {
        if (_open-- == 0)
            throw new InvalidOperationException("No node is open.");
        WriteU32(_structure, FlattenedDeviceTree.EndNode);
        return this;
    }

    /// <summary>Adds a property of raw bytes; none make it a flag.</summary>
    public DeviceTreeWriter Property(string name, ReadOnlySpan<byte> value = default)
    {
        if (!_names.TryGetValue(name, out var offset))
        {
            offset = (int)_strings.WrittenCount;
            _names.Add(name, offset);
            _strings.Write(Encoding.ASCII.GetBytes(name));
            _strings.Write("\0"u8);
        }
        WriteU32(_structure, FlattenedDeviceTree.Property);
        WriteU32(_structure, (uint)value.Length);
        WriteU32(_structure, (uint)offset);
        _structure.Write(value);
        Pad(_structure, 4);
        return this;
    }

    /// <summary>Adds a property of 32-bit cells.</summary>
    public DeviceTreeWriter Cells(string name, params ReadOnlySpan<uint> cells)
    {
        var bytes = new byte[cells.Length * 4];
        for (var i = 0; i < cells.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * 4), cells[i]);
        return Property(name, bytes);
    }

    /// <summary>Adds a property of 64-bit numbers, two cells each.</summary>
    public DeviceTreeWriter Wide(string name, params ReadOnlySpan<ulong> values)
    {
        var cells = new uint[values.Length * 2];
        for (var i = 0; i < values.Length; i++)
            (cells[i * 2], cells[(i * 2) + 1]) = ((uint)(values[i] >> 32), (uint)values[i]);
        return Cells(name, cells);
    }

    /// <summary>Adds a property of strings.</summary>
    public DeviceTreeWriter Strings(string name, params ReadOnlySpan<string> values)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var value in values)
        {
            bytes.Write(Encoding.UTF8.GetBytes(value));
            bytes.Write("\0"u8);
        }
        return Property(name, bytes.WrittenSpan);
    }

    /// <summary>Copies a node with its properties and everything below it.</summary>
    public DeviceTreeWriter Copy(DeviceTreeNode node)
    {
        // Going down opens nodes; the depth of the next node says how many to close first. No recursion.
        var depth = node.Depth;
        var outer = _open;
        foreach (var item in node.DescendantsAndSelf())
        {
            while (_open - outer > item.Depth - depth)
                EndNode();
            BeginNode(item.Name);
            foreach (var property in item.Properties)
                Property(property.Name, property.Value.Span);
        }
        while (_open > outer)
            EndNode();
        return this;
    }

    /// <summary>The blob.</summary>
    /// <exception cref="InvalidOperationException">A node is still open.</exception>
    public byte[] ToArray()
    {
        if (_open != 0)
            throw new InvalidOperationException("A node is still open.");
        const int header = 40;
        var structure = header + (int)_reservations.WrittenCount + 16;
        var strings = structure + (int)_structure.WrittenCount + 4;
        var total = strings + (int)_strings.WrittenCount;
        var blob = new ArrayBufferWriter<byte>(total);
        foreach (var field in (uint[])[FlattenedDeviceTree.Magic, (uint)total, (uint)structure, (uint)strings, header, 17, 16, BootCpu,
            (uint)_strings.WrittenCount, (uint)_structure.WrittenCount + 4])
            WriteU32(blob, field);
        blob.Write(_reservations.WrittenSpan);
        WriteU64(blob, 0);
        WriteU64(blob, 0);
        blob.Write(_structure.WrittenSpan);
        WriteU32(blob, FlattenedDeviceTree.End);
        blob.Write(_strings.WrittenSpan);
        return blob.WrittenSpan.ToArray();
    }

    private static void Pad(ArrayBufferWriter<byte> stream, int alignment)
    {
        while (stream.WrittenCount % alignment != 0)
            stream.Write("\0"u8);
    }

    private static void WriteU32(ArrayBufferWriter<byte> stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteU64(ArrayBufferWriter<byte> stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        stream.Write(bytes);
    }
}
