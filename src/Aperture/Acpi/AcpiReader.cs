using System.Buffers.Binary;

namespace Aperture.Acpi;

/// <summary>Reads fields.</summary>
internal sealed class AcpiReader : AcpiFields
{
    private readonly string _table;
    private readonly ReadOnlyMemory<byte> _bytes; // the whole table
    private readonly int _start; // of the structure
    private readonly int _end;
    private int _at;

    /// <summary>Reads a structure.</summary>
    /// <param name="table">The table's name, for messages.</param>
    /// <param name="bytes">The whole table.</param>
    /// <param name="start">Where the structure begins.</param>
    /// <param name="end">Where it ends.</param>
    public AcpiReader(string table, ReadOnlyMemory<byte> bytes, int start, int end)
    {
        (_table, _bytes, _start, _at, _end) = (table, bytes, start, start, end);
    }

    public override int Position => _at - _start;

    public override ulong Number(string name, int bytes, ulong value)
    {
        var field = Take(name, bytes);
        return bytes switch
        {
            1 => field[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(field),
            4 => BinaryPrimitives.ReadUInt32LittleEndian(field),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(field),
        };
    }

    public override byte[] Bytes(string name, int count, byte[] value) => Take(name, count < 0 ? _end - _at : count).ToArray();

    public override bool Has(bool value, int bytes) => _end - _at >= bytes;

    public override void List<T>(string name, int count, IList<T> items)
    {
        for (var i = 0; count < 0 ? _at < _end : i < count; i++)
        {
            var item = new T();
            var before = _at;
            item.Describe(this);
            if (_at == before)
                throw Wrong($"{name} {i} has no bytes");
            items.Add(item);
        }
    }

    public override void Nodes<T>(string name, AcpiNodeForm form, Func<ulong, T> create, IList<T> nodes)
    {
        while (_at < _end)
        {
            if (_end - _at < form.HeaderBytes)
                throw Wrong($"{_end - _at} bytes are no {name}");
            var header = _bytes.Span.Slice(_at, form.HeaderBytes);
            var length = (int)Little(header.Slice(form.LengthOffset, form.LengthBytes));
            if (length < form.HeaderBytes || length > _end - _at)
                throw Wrong($"a {name} of {length} bytes, where there are {_end - _at}");
            var node = create(Little(header[..form.TypeBytes]));
            var inner = new AcpiReader(_table, _bytes, _at, _at + length);
            node.Offset = _at;
            node.Describe(inner);
            node.Rest = inner.Bytes("Rest", -1, []);
            nodes.Add(node);
            _at += length;
        }
    }

    private ReadOnlySpan<byte> Take(string name, int count)
    {
        if (count > _end - _at)
            throw Wrong($"{name} has {count} bytes, where there are {_end - _at}");
        var field = _bytes.Span.Slice(_at, count);
        _at += count;
        return field;
    }

    private static ulong Little(ReadOnlySpan<byte> bytes)
    {
        ulong value = 0;
        for (var i = bytes.Length - 1; i >= 0; i--)
            value = value << 8 | bytes[i];
        return value;
    }

    private protected override AcpiException Wrong(string what) => new($"{_table} at offset 0x{_at:x}: {what}");
}
