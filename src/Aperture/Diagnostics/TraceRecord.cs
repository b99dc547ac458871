using System.Buffers.Binary;
using System.Text;

namespace Aperture.Diagnostics;

/// <summary>The bytes of one event, field after field.</summary>
internal sealed class TraceRecord
{
    /// <summary>No record is longer: it has to fit into a page of the ring buffer.</summary>
    private const int MaxBytes = TraceRing.PageBytes - TraceRing.HeaderBytes - (2 * sizeof(uint));

    /// <summary>Longer texts are cut, so that the longest lists and two texts fit.</summary>
    private const int MaxText = 512;

    private readonly byte[] _bytes = new byte[MaxBytes];
    private TraceEventFormat _format = null!; // set by Begin
    private int _field;
    private int _length;

    /// <summary>The bytes so far.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Begins an event.</summary>
    public TraceRecord Begin(TraceEventFormat format, int process)
    {
        (_format, _field, _length) = (format, 0, format.FixedBytes);
        _bytes.AsSpan(0, _length).Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes, format.Id);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(4), process);
        return this;
    }

    /// <summary>The next field, a number.</summary>
    public TraceRecord Number(ulong value)
    {
        Write(_format.OffsetOf(_field), _format.Fields[_field].Size, value);
        _field++;
        return this;
    }

    /// <summary>The next field, a text; it ends with a zero.</summary>
    public TraceRecord Text(string value)
    {
        var text = Encoding.UTF8.GetBytes(value).AsSpan();
        text = text[..Math.Min(text.Length, MaxText)];
        var at = Place(text.Length + 1);
        text.CopyTo(_bytes.AsSpan(at));
        _bytes[at + text.Length] = 0;
        return this;
    }

    /// <summary>The next field, an array.</summary>
    public TraceRecord Array<T>(ReadOnlySpan<T> items, Func<T, ulong> value)
    {
        var size = _format.Fields[_field].Size;
        var at = Place(items.Length * size);
        foreach (var item in items)
        {
            Write(at, size, value(item));
            at += size;
        }

        return this;
    }

    /// <summary>Puts a dynamic field behind what there is.</summary>
    private int Place(int bytes)
    {
        var at = (_length + 7) & ~7; // elements lie where processors like to read them
        _bytes.AsSpan(_length, at - _length).Clear();
        Write(_format.OffsetOf(_field++), sizeof(uint), (uint)(bytes << 16 | at));
        _length = at + bytes;
        return at;
    }

    private void Write(int at, int size, ulong value)
    {
        for (var i = 0; i < size; i++)
            _bytes[at + i] = (byte)(value >> (8 * i));
    }
}
