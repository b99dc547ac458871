using System.Numerics;

namespace Aperture.Core.PageTables;

/// <summary>Which pages were written: bit n % 8 of byte n / 8 stands for page n from the first address. The page size is the caller's, and
/// may be smaller or larger than that of the mappings: whatever a written range touches is marked.</summary>
public readonly ref struct DirtyBitmap : IWrittenPages
{
    private readonly Span<byte> _bits;
    private readonly ulong _first; // device address of bit 0
    private readonly int _pageShift;

    /// <summary>A bitmap over a caller's memory, which is not cleared.</summary>
    /// <param name="bits">The bits.</param>
    /// <param name="first">The device address of page 0, a multiple of the page size.</param>
    /// <param name="pageSize">Bytes that one bit stands for, a power of two.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: no power of two, or not aligned to it.</exception>
    public DirtyBitmap(Span<byte> bits, Iova first, ulong pageSize)
    {
        if (!BitOperations.IsPow2(pageSize) || !first.IsAligned(pageSize))
            throw new ApertureException(Status.InvalidArgument, $"a bitmap of pages of 0x{pageSize:x} bytes cannot begin at {first}");
        _bits = bits;
        _first = first.Value;
        _pageShift = BitOperations.TrailingZeroCount(pageSize);
    }

    /// <summary>Marks what a range touches; the part outside of the bitmap is left out.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="size">Bytes, at least 1; the range ends at 2^64 at the latest.</param>
    public void Add(Iova start, ulong size)
    {
        var last = start.Value + (size - 1);
        if (last < _first || _bits.IsEmpty)
            return;
        var at = start.Value <= _first ? 0 : (start.Value - _first) >> _pageShift;
        var end = Math.Min((last - _first) >> _pageShift, ((ulong)_bits.Length * 8) - 1);
        for (; at <= end; at++)
        {
            if ((at & 7) == 0 && end - at >= 7)
            {
                _bits[(int)(at >> 3)] = byte.MaxValue;
                at += 7;
                continue;
            }

            _bits[(int)(at >> 3)] |= (byte)(1 << (int)(at & 7));
        }
    }

    /// <summary>Whether the page of an address is marked; false outside of the bitmap.</summary>
    public bool IsMarked(Iova address)
    {
        var page = (address.Value - _first) >> _pageShift;
        return address.Value >= _first && page >> 3 < (ulong)_bits.Length && (_bits[(int)(page >> 3)] >> (int)(page & 7) & 1) != 0;
    }
}
