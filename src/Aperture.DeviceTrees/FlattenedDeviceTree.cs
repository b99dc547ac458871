using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Aperture.Core;

namespace Aperture.DeviceTrees;

/// <summary>Reads the flattened form (Devicetree Specification 0.4, chapter 5): header, memory reservation block, structure block, strings
/// block. No recursion; time and memory are linear in the blob.</summary>
internal sealed class FlattenedDeviceTree
{
    /// <summary>The deepest nesting accepted; real trees stay below twelve.</summary>
    internal const int MaximumDepth = 64;

    /// <summary>The longest node or property name accepted. The specification allows 31 characters; real trees exceed that.</summary>
    internal const int MaximumName = 255;

    internal const uint Magic = 0xD00D_FEED;
    internal const uint BeginNode = 1, EndNode = 2, Property = 3, Nop = 4, End = 9;

    // Our own copy of the blob, cut to its declared size.
    private readonly byte[] _blob;

    // Where the structure block and the strings block lie.
    private readonly int _structure, _structureEnd, _strings, _stringsEnd;

    // The property names met so far, by offset in the strings block, so that a common name is one string.
    private readonly Dictionary<int, string> _names = [];

    // The reading position in the structure block.
    private int _position;

    private FlattenedDeviceTree(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < 36)
            throw new DeviceTreeException($"offset 0x0: the blob has {blob.Length} bytes, fewer than a header");
        if (U32(blob, 0) != Magic)
            throw new DeviceTreeException($"offset 0x0: bad magic 0x{U32(blob, 0):x8}, expected 0x{Magic:x8}");
        var total = U32(blob, 4);
        Version = U32(blob, 20);
        var compatible = U32(blob, 24);
        if (Version < 16 || compatible > 17 || compatible > Version)
            throw new DeviceTreeException(
                $"offset 0x14: version {Version} (compatible down to {compatible}) is not supported, only 16 and 17 are");
        var header = Version >= 17 ? 40u : 36u;
        if (total < header || total > (uint)blob.Length)
            throw new DeviceTreeException($"offset 0x4: total size 0x{total:x} does not fit the 0x{blob.Length:x} bytes given");

        var reservations = U32(blob, 16);
        CheckBlock("memory reservation block", 0x10, reservations, 16, total, header, 8);
        var structure = U32(blob, 8);
        var strings = U32(blob, 12);
        var stringsSize = U32(blob, 32);
        CheckBlock("strings block", 0xC, strings, stringsSize, total, header, 1);
        // Version 16 does not say how long the structure block is: up to the next block, or the end.
        var structureSize = Version >= 17 ? U32(blob, 36) : Following(structure, total, strings, reservations) - structure;
        CheckBlock("structure block", 8, structure, structureSize, total, header, 4);

        _blob = blob[..(int)total].ToArray();
        (_structure, _structureEnd) = ((int)structure, (int)(structure + structureSize));
        (_strings, _stringsEnd) = ((int)strings, (int)(strings + stringsSize));
        Reservations = ReadReservations((int)reservations, out var reservationsEnd);
        if (Overlap(reservations, (uint)reservationsEnd, structure, (uint)_structureEnd)
            || Overlap(reservations, (uint)reservationsEnd, strings, (uint)_stringsEnd)
            || Overlap(structure, (uint)_structureEnd, strings, (uint)_stringsEnd))
        {
            throw new DeviceTreeException("offset 0x8: two blocks overlap");
        }
        BootCpu = U32(blob, 28);
    }

    private uint Version { get; }

    private uint BootCpu { get; }

    private ImmutableArray<MemoryReservation> Reservations { get; }

    internal static DeviceTree Parse(ReadOnlyMemory<byte> blob)
    {
        var reader = new FlattenedDeviceTree(blob.Span);
        var tree = new DeviceTree(reader._blob.Length, reader.Version, reader.BootCpu, reader.Reservations);
        tree.Complete(reader.ReadStructure(tree));
        return tree;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes[offset..]);

    private static bool Overlap(uint start, uint end, uint otherStart, uint otherEnd) =>
        start < end && otherStart < otherEnd && start < otherEnd && otherStart < end;

    private static uint Following(uint start, uint total, uint first, uint second)
    {
        var end = total;
        if (first > start && first < end)
            end = first;
        if (second > start && second < end)
            end = second;
        return end;
    }

    private static void CheckBlock(string name, int field, uint offset, uint size, uint total, uint header, uint alignment)
    {
        if (offset < header || offset > total || size > total - offset)
            throw new DeviceTreeException(
                $"offset 0x{field:x}: the {name} at 0x{offset:x} + 0x{size:x} lies outside the blob of 0x{total:x} bytes");
        if (offset % alignment != 0)
            throw new DeviceTreeException($"offset 0x{field:x}: the {name} at 0x{offset:x} is not aligned to {alignment} bytes");
    }

    private ImmutableArray<MemoryReservation> ReadReservations(int offset, out int end)
    {
        var builder = ImmutableArray.CreateBuilder<MemoryReservation>();
        for (var at = offset; ; at += 16)
        {
            if (at > _blob.Length - 16)
                throw new DeviceTreeException($"offset 0x{at:x}: the memory reservation block has no end entry");
            var start = BinaryPrimitives.ReadUInt64BigEndian(_blob.AsSpan(at));
            var length = BinaryPrimitives.ReadUInt64BigEndian(_blob.AsSpan(at + 8));
            if (start == 0 && length == 0)
            {
                end = at + 16;
                return builder.ToImmutable();
            }
            if (length != 0)
                builder.Add(new(new PhysicalAddress(start), length));
        }
    }

    private DeviceTreeNode ReadStructure(DeviceTree tree)
    {
        _position = _structure;
        var open = new Stack<Frame>();
        DeviceTreeNode? root = null;
        while (true)
        {
            var at = _position;
            switch (Take("a token"))
            {
                case Nop:
                    break;
                case BeginNode:
                    if (root is not null && open.Count == 0)
                        throw new DeviceTreeException($"offset 0x{at:x}: a second root node");
                    if (open.Count == MaximumDepth)
                        throw new DeviceTreeException($"offset 0x{at:x}: nodes are nested deeper than {MaximumDepth}");
                    var name = TakeNodeName(at, isRoot: open.Count == 0);
                    var frame = new Frame(new DeviceTreeNode(tree, name, open.Count == 0 ? null : open.Peek().Node, at));
                    root ??= frame.Node;
                    if (open.TryPeek(out var parent))
                        parent.Children.Add(frame.Node);
                    open.Push(frame);
                    break;
                case EndNode:
                    if (!open.TryPop(out var closed))
                        throw new DeviceTreeException($"offset 0x{at:x}: a node ends that never began");
                    closed.Node.Complete([.. closed.Properties], [.. closed.Children]);
                    break;
                case Property:
                    if (!open.TryPeek(out var owner))
                        throw new DeviceTreeException($"offset 0x{at:x}: a property outside of any node");
                    if (owner.Children.Count > 0)
                        throw new DeviceTreeException($"offset 0x{at:x}: a property of node '{owner.Node.Name}' follows a child node");
                    owner.Properties.Add(TakeProperty(at));
                    break;
                case End when root is null:
                    throw new DeviceTreeException($"offset 0x{at:x}: the structure block has no root node");
                case End when open.Count > 0:
                    throw new DeviceTreeException($"offset 0x{at:x}: the structure block ends inside node '{open.Peek().Node.Name}'");
                case End:
                    return root;
                case var token:
                    throw new DeviceTreeException($"offset 0x{at:x}: unknown token 0x{token:x}");
            }
        }
    }

    private uint Take(string what)
    {
        if (_structureEnd - _position < 4)
            throw new DeviceTreeException($"offset 0x{_position:x}: the structure block ends where {what} is expected");
        var value = U32(_blob, _position);
        _position += 4;
        return value;
    }

    private string TakeNodeName(int at, bool isRoot)
    {
        var name = Terminated(_position, _structureEnd, at, "node name");
        if (isRoot != (name.Length == 0))
            throw new DeviceTreeException(
                $"offset 0x{at:x}: {(isRoot ? $"the root node has the name '{name}'" : "a node without a name")}");
        if (name.Contains('/', StringComparison.Ordinal))
            throw new DeviceTreeException($"offset 0x{at:x}: the node name '{name}' has a slash in it");
        Skip(name.Length + 1, at);
        return name;
    }

    private DeviceTreeProperty TakeProperty(int at)
    {
        var length = Take("a property's length");
        var nameOffset = Take("a property's name");
        if (length > (uint)(_structureEnd - _position))
            throw new DeviceTreeException($"offset 0x{at:x}: a property of 0x{length:x} bytes runs beyond the structure block");
        if (nameOffset >= (uint)(_stringsEnd - _strings))
            throw new DeviceTreeException($"offset 0x{at:x}: a property's name at 0x{nameOffset:x} lies outside the strings block");
        if (!_names.TryGetValue((int)nameOffset, out var name))
        {
            name = Terminated(_strings + (int)nameOffset, _stringsEnd, at, "property name");
            if (name.Length == 0)
                throw new DeviceTreeException($"offset 0x{at:x}: a property without a name");
            _names.Add((int)nameOffset, name);
        }
        var property = new DeviceTreeProperty(name, _blob.AsMemory(_position, (int)length), at);
        Skip((int)length, at);
        return property;
    }

    // Steps over bytes and the padding to the next token.
    private void Skip(int bytes, int at)
    {
        var padded = ((long)_position + bytes - _structure + 3 & ~3L) + _structure;
        if (padded > _structureEnd)
            throw new DeviceTreeException($"offset 0x{at:x}: the structure block ends inside an entry");
        _position = (int)padded;
    }

    private string Terminated(int start, int limit, int at, string what)
    {
        var bytes = _blob.AsSpan(start, Math.Min(limit - start, MaximumName + 1));
        var end = bytes.IndexOf((byte)0);
        if (end < 0)
            throw new DeviceTreeException($"offset 0x{at:x}: a {what} is not terminated, or longer than {MaximumName} characters");
        if (bytes[..end].ContainsAnyExceptInRange((byte)0x21, (byte)0x7E))
            throw new DeviceTreeException($"offset 0x{at:x}: a {what} has a character that is not printable ASCII");
        return Encoding.ASCII.GetString(bytes[..end]);
    }

    // A node whose end has not been met, and what was met in it so far.
    private sealed record Frame(DeviceTreeNode Node)
    {
        internal List<DeviceTreeProperty> Properties { get; } = [];

        internal List<DeviceTreeNode> Children { get; } = [];
    }
}
