using System.Buffers.Binary;

namespace Aperture.Acpi;

/// <summary>Writes fields.</summary>
internal sealed class AcpiWriter : AcpiFields
{
    private readonly List<byte> _bytes;
    private readonly int _start; // of the structure

    public AcpiWriter(List<byte> bytes)
    {
        _bytes = bytes;
        _start = bytes.Count;
    }

    public override int Position => _bytes.Count - _start;

    public override ulong Number(string name, int bytes, ulong value)
    {
        Span<byte> field = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(field, value);
        _bytes.AddRange(field[..bytes]);
        return value;
    }

    /// <summary>Fills up with zeros what has a length of its own.</summary>
    public override byte[] Bytes(string name, int count, byte[] value)
    {
        if (count >= 0 && value.Length > count)
            throw Wrong($"{name} has {value.Length} bytes, where there is place for {count}");
        _bytes.AddRange(value);
        for (var i = value.Length; i < count; i++)
            _bytes.Add(0);
        return value;
    }

    public override bool Has(bool value, int bytes) => value;

    public override void List<T>(string name, int count, IList<T> items)
    {
        foreach (var item in items)
            item.Describe(this);
    }

    public override void Nodes<T>(string name, AcpiNodeForm form, Func<ulong, T> create, IList<T> nodes)
    {
        foreach (var node in nodes)
        {
            var start = _bytes.Count;
            node.Describe(new AcpiWriter(_bytes));
            _bytes.AddRange(node.Rest);
            var length = _bytes.Count - start;
            for (var i = 0; i < form.LengthBytes; i++)
                _bytes[start + form.LengthOffset + i] = (byte)(length >> (8 * i));
        }
    }

    private protected override AcpiException Wrong(string what) => new(what);
}
