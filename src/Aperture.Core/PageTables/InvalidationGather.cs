using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables;

/// <summary>What unmaps have removed and no unit has forgotten yet: up to <see cref="Capacity"/> exact ranges, then their
/// union; whether table entries above the leaves changed; and the tables to give back once no walker can reach them.
/// A plain value: keep it in a local, pass it by reference, commit it once.</summary>
public struct InvalidationGather
{
    /// <summary>How many ranges are kept apart before they are merged into one.</summary>
    public const int Capacity = 8;

    private Ranges _ranges;

    /// <summary>Number of ranges, 0 to <see cref="Capacity"/>.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a link to a table was installed, replaced or removed: caches of intermediate entries are stale.</summary>
    public bool TablesChanged { get; set; }

    /// <summary>Head of the list of tables to free after the invalidation; owned by <see cref="PageTable{TFormat}"/>. Zero when empty.</summary>
    internal ulong FreeList { get; set; }

    /// <summary>Whether there is nothing to invalidate and nothing to free.</summary>
    public readonly bool IsEmpty => Count == 0 && !TablesChanged && FreeList == 0;

    /// <summary>The ranges, in the order in which they were added.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<GatheredRange> AsSpan() => ((ReadOnlySpan<GatheredRange>)_ranges)[..Count];

    /// <summary>Adds a range of removed pages of <c>1 &lt;&lt; pageShift</c> bytes. A range that continues the last one with the
    /// same page size extends it. When all places are taken everything becomes one range with the smallest page size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Iova start, ulong length, int pageShift)
    {
        if (Count == 0)
        {
            _ranges[0] = new GatheredRange(start, length, pageShift);
            Count = 1;
            return;
        }

        AddMore(start, length, pageShift);
    }

    private void AddMore(Iova start, ulong length, int pageShift)
    {
        ref var last = ref _ranges[Count - 1];
        if (last.PageShift == pageShift && last.Start + last.Length == start)
        {
            last = last with { Length = last.Length + length };
            return;
        }

        if (Count == Capacity)
        {
            MergeAll();
            ref var all = ref _ranges[0];
            var from = Math.Min(all.Start.Value, start.Value);
            var to = Math.Max(all.Start.Value + all.Length, start.Value + length);
            all = new GatheredRange(new Iova(from), to - from, Math.Min(all.PageShift, pageShift));
            return;
        }

        _ranges[Count++] = new GatheredRange(start, length, pageShift);
    }

    /// <summary>Forgets the ranges and the mark, not the tables to free: the invalidation was done.</summary>
    public void ClearRanges()
    {
        Count = 0;
        TablesChanged = false;
    }

    private void MergeAll()
    {
        ulong from = ulong.MaxValue, to = 0;
        var shift = 63;
        foreach (var range in AsSpan())
        {
            from = Math.Min(from, range.Start.Value);
            to = Math.Max(to, range.Start.Value + range.Length);
            shift = Math.Min(shift, range.PageShift);
        }

        _ranges[0] = new GatheredRange(new Iova(from), to - from, shift);
        Count = 1;
    }

    [InlineArray(Capacity)]
    private struct Ranges
    {
        private GatheredRange _first;
    }
}

/// <summary>A range of removed pages.</summary>
public readonly record struct GatheredRange
{
    // 63..6 start, a multiple of 64 | 5..0 log2 of the page size
    private readonly ulong _startAndShift;

    /// <summary>A range of removed pages.</summary>
    /// <param name="start">The first byte, a multiple of the page size.</param>
    /// <param name="length">Bytes; zero means the whole space of 2^64.</param>
    /// <param name="pageShift">Log2 of the smallest page that was removed in the range, 6 to 63.</param>
    public GatheredRange(Iova start, ulong length, int pageShift)
    {
        Debug.Assert((start.Value & ShiftMask) == 0 && pageShift is >= 6 and < 64, "pages are aligned, and larger than the place of their shift");
        _startAndShift = start.Value | (uint)pageShift;
        Length = length;
    }

    /// <summary>The first byte.</summary>
    public Iova Start => new(_startAndShift & ~ShiftMask);

    /// <summary>Bytes; zero means the whole space of 2^64.</summary>
    public ulong Length { get; init; }

    /// <summary>Log2 of the smallest page that was removed in the range.</summary>
    public int PageShift => (int)(_startAndShift & ShiftMask);

    private static ulong ShiftMask => 0x3F;
}
