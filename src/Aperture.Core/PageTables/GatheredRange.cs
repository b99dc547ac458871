using System.Diagnostics;

namespace Aperture.Core.PageTables;

/// <summary>A range of removed pages, by its first and its last byte: one that ends at 2^64 is like any other.</summary>
public readonly record struct GatheredRange
{
    private const ulong ShiftMask = 0x3F;

    // 63..6 first byte, a multiple of 64 | 5..0 log2 of the page size
    private readonly ulong _startAndShift;

    /// <summary>A range of removed pages.</summary>
    /// <param name="start">The first byte, a multiple of the page size.</param>
    /// <param name="length">Bytes, a multiple of the page size; zero with <paramref name="start"/> zero means the whole space of
    /// 2^64.</param>
    /// <param name="pageShift">Log2 of the smallest page that was removed in the range, 6 to 63.</param>
    public GatheredRange(Iova start, ulong length, int pageShift)
        : this(start, start + (length - 1), pageShift)
    {
    }

    /// <summary>A range of removed pages.</summary>
    /// <param name="first">The first byte, a multiple of the page size.</param>
    /// <param name="last">The last byte, not below the first.</param>
    /// <param name="pageShift">Log2 of the smallest page that was removed in the range, 6 to 63.</param>
    public GatheredRange(Iova first, Iova last, int pageShift)
    {
        Debug.Assert((first.Value & ShiftMask) == 0 && pageShift is >= 6 and < 64,
            "pages are aligned, and larger than the place of their shift");
        Debug.Assert(first <= last, "a range has a first and a last byte, in this order");
        _startAndShift = first.Value | (uint)pageShift;
        Last = last;
    }

    /// <summary>The first byte.</summary>
    public Iova Start => new(_startAndShift & ~ShiftMask);

    /// <summary>The last byte.</summary>
    public Iova Last { get; }

    /// <summary>Bytes; zero means the whole space of 2^64.</summary>
    public ulong Length => Last.Value - Start.Value + 1;

    /// <summary>Log2 of the smallest page that was removed in the range.</summary>
    public int PageShift => (int)(_startAndShift & ShiftMask);

    /// <summary>Number of pages of that size, at least 1. It does not overflow: a page has at least 64 bytes.</summary>
    public ulong Pages => ((Last.Value - Start.Value) >> PageShift) + 1;
}
