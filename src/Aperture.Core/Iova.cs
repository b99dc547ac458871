using System.Globalization;

namespace Aperture.Core;

/// <summary>An address as a device sees it: an I/O virtual address, before its IOMMU translated it. It is a number of bytes and never mixes
/// with the other kinds of address.</summary>
/// <param name="Value">The address in bytes.</param>
public readonly record struct Iova(ulong Value) : IComparable<Iova>, ISpanFormattable
{
    /// <summary>The address moved up by <paramref name="bytes"/>, wrapping at 2^64.</summary>
    public static Iova operator +(Iova address, ulong bytes) => new(address.Value + bytes);

    /// <summary>The address moved down by <paramref name="bytes"/>, wrapping at zero.</summary>
    public static Iova operator -(Iova address, ulong bytes) => new(address.Value - bytes);

    /// <summary>The distance in bytes from <paramref name="right"/> up to <paramref name="left"/>.</summary>
    public static ulong operator -(Iova left, Iova right) => left.Value - right.Value;

    /// <summary>Whether <paramref name="left"/> is the lower address.</summary>
    public static bool operator <(Iova left, Iova right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> is the higher address.</summary>
    public static bool operator >(Iova left, Iova right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> is not the higher address.</summary>
    public static bool operator <=(Iova left, Iova right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> is not the lower address.</summary>
    public static bool operator >=(Iova left, Iova right) => left.Value >= right.Value;

    /// <summary>Whether the address is a multiple of <paramref name="size"/>, a power of two in bytes.</summary>
    public bool IsAligned(ulong size) => (Value & (size - 1)) == 0;

    /// <summary>The next lower multiple of <paramref name="size"/>, a power of two in bytes.</summary>
    public Iova AlignDown(ulong size) => new(Value & ~(size - 1));

    /// <summary>The next higher multiple of <paramref name="size"/>, a power of two in bytes.</summary>
    public Iova AlignUp(ulong size) => new((Value + size - 1) & ~(size - 1));

    /// <inheritdoc/>
    public int CompareTo(Iova other) => Value.CompareTo(other.Value);

    /// <summary>The address as <c>0x</c> and at least eight hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"0x{Value:x8}");

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => format is null ? ToString()
        : Value.ToString(format, formatProvider);

    /// <inheritdoc/>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider) =>
        format.IsEmpty
            ? destination.TryWrite(CultureInfo.InvariantCulture, $"0x{Value:x8}", out charsWritten)
            : Value.TryFormat(destination, out charsWritten, format, provider);
}
