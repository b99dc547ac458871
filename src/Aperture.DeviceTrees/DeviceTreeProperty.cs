using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace Aperture.DeviceTrees;

/// <summary>One property of a node: a name and bytes. The accessors interpret the bytes and never throw on malformed ones.</summary>
public sealed class DeviceTreeProperty
{
    internal DeviceTreeProperty(string name, ReadOnlyMemory<byte> value, int offset)
    {
        Name = name;
        Value = value;
        Offset = offset;
    }

    /// <summary>The name, printable ASCII.</summary>
    public string Name { get; }

    /// <summary>The raw value, big-endian as in the blob; may be empty.</summary>
    public ReadOnlyMemory<byte> Value { get; }

    /// <summary>Where the property's token lies in the blob, in bytes.</summary>
    public int Offset { get; }

    /// <summary>Whether the value has no bytes: the property is a flag.</summary>
    public bool IsEmpty => Value.IsEmpty;

    /// <summary>Whether the value is a whole number of 32-bit cells.</summary>
    public bool IsCells => Value.Length % 4 == 0;

    /// <summary>How many whole 32-bit cells the value has.</summary>
    public int CellCount => Value.Length / 4;

    /// <summary>Cell <paramref name="index"/>; zero beyond the end.</summary>
    public uint Cell(int index) =>
        (uint)index < (uint)CellCount ? BinaryPrimitives.ReadUInt32BigEndian(Value.Span[(index * 4)..]) : 0;

    /// <summary>The cells from <paramref name="index"/> on as an array; fewer than <paramref name="count"/> at the end of the
    /// value.</summary>
    public ImmutableArray<uint> Cells(int index, int count)
    {
        count = Math.Clamp(CellCount - index, 0, Math.Max(count, 0));
        if (index < 0 || count == 0)
            return [];
        var builder = ImmutableArray.CreateBuilder<uint>(count);
        for (var i = 0; i < count; i++)
            builder.Add(Cell(index + i));
        return builder.MoveToImmutable();
    }

    /// <summary>The value as one 32-bit number; false unless it is exactly four bytes.</summary>
    public bool TryGetU32(out uint value)
    {
        value = Cell(0);
        return Value.Length == 4;
    }

    /// <summary>The value as one number of four or eight bytes; false for any other length.</summary>
    public bool TryGetU64(out ulong value)
    {
        value = Value.Length == 8 ? BinaryPrimitives.ReadUInt64BigEndian(Value.Span) : Cell(0);
        return Value.Length is 4 or 8;
    }

    /// <summary>The first string of the value; false if there is no terminated string. Control characters become U+FFFD, so that the string
    /// can be shown.</summary>
    public bool TryGetString(out string value)
    {
        var end = Value.Span.IndexOf((byte)0);
        value = end >= 0 ? Decode(Value.Span[..end]) : string.Empty;
        return end >= 0;
    }

    /// <summary>All strings of the value in order. An unterminated rest is left out; <see cref="IsStringList"/> tells.</summary>
    public ImmutableArray<string> Strings()
    {
        var rest = Value.Span;
        var builder = ImmutableArray.CreateBuilder<string>();
        for (var end = rest.IndexOf((byte)0); end >= 0; end = rest.IndexOf((byte)0))
        {
            builder.Add(Decode(rest[..end]));
            rest = rest[(end + 1)..];
        }
        return builder.ToImmutable();
    }

    /// <summary>Whether the value is one or more strings, the last one terminated.</summary>
    public bool IsStringList => !Value.IsEmpty && Value.Span[^1] == 0;

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static string Decode(ReadOnlySpan<byte> bytes) => Shown(Encoding.UTF8.GetString(bytes));

    /// <summary>A text with U+FFFD in the place of control characters.</summary>
    internal static string Shown(string text) =>
        text.AsSpan().ContainsAnyInRange('\u0000', '\u001F') || text.AsSpan().ContainsAnyInRange('\u007F', '\u009F')
            ? string.Create(text.Length, text, static (span, source) =>
            {
                for (var i = 0; i < span.Length; i++)
                    span[i] = char.IsControl(source[i]) ? '\uFFFD' : source[i];
            })
            : text;
}
