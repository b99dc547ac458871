using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Aperture.Core.PageTables;

/// <summary>What unmaps have removed and no unit was told of yet: up to <see cref="Capacity"/> exact ranges, then their
/// union; whether table entries above the leaves changed; and the tables to give back once no walker can reach them.
/// A plain value: keep it in a local, pass it by reference, commit it once.</summary>
public struct InvalidationGather
{
    /// <summary>How many ranges are kept apart before they are merged into one.</summary>
    public const int Capacity = 8;

    private Ranges _ranges; // what lies behind the count may be anything

    /// <summary>Nothing. Quicker than <c>default</c>, which is the same and clears the places of ranges as well.</summary>
    public InvalidationGather()
    {
        Unsafe.SkipInit(out _ranges);
        Count = 0;
        TablesChanged = false;
        FreeList = 0;
    }

    /// <summary>Number of ranges, 0 to <see cref="Capacity"/>.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a link to a table was installed, replaced or removed: caches of intermediate entries are stale.</summary>
    public bool TablesChanged { get; set; }

    /// <summary>Head of the list of tables to free after the invalidation; owned by <see cref="PageTable{TFormat}"/>. Zero when
    /// empty.</summary>
    internal ulong FreeList { get; set; }

    /// <summary>Whether there is nothing to invalidate and nothing to free.</summary>
    public readonly bool IsEmpty => Count == 0 && !TablesChanged && FreeList == 0;

    /// <summary>The ranges, in the order in which they were added.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<GatheredRange> AsSpan() => ((ReadOnlySpan<GatheredRange>)_ranges)[..Count];

    /// <summary>Adds a range of removed pages of <c>1 &lt;&lt; pageShift</c> bytes. A range that continues the last one with the
    /// same page size extends it. When all places are taken everything becomes one range with the smallest page size.</summary>
    /// <param name="start">The first byte, a multiple of the page size.</param>
    /// <param name="length">Bytes, a multiple of the page size; the range may end at 2^64.</param>
    /// <param name="pageShift">Log2 of the page size, 6 to 63.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Iova start, ulong length, int pageShift)
    {
        if (Count == 0)
        {
            _ranges[0] = new GatheredRange(start, length, pageShift);
            Count = 1;
            return;
        }

        AddMore(new GatheredRange(start, length, pageShift));
    }

    private void AddMore(GatheredRange added)
    {
        ref var last = ref _ranges[Count - 1];
        if (last.PageShift == added.PageShift && last.Last.Value != ulong.MaxValue && last.Last + 1 == added.Start)
        {
            last = new GatheredRange(last.Start, added.Last, last.PageShift);
            return;
        }

        if (Count == Capacity)
        {
            var all = added;
            foreach (var range in AsSpan())
                all = Union(all, range);
            _ranges[0] = all;
            Count = 1;
            return;
        }

        _ranges[Count++] = added;
    }

    /// <summary>Drops the ranges and the mark, not the tables to free: the invalidation was done.</summary>
    public void ClearRanges()
    {
        Count = 0;
        TablesChanged = false;
    }

    private static GatheredRange Union(GatheredRange a, GatheredRange b) => new(
        new Iova(Math.Min(a.Start.Value, b.Start.Value)),
        new Iova(Math.Max(a.Last.Value, b.Last.Value)),
        Math.Min(a.PageShift, b.PageShift));

    [InlineArray(Capacity)]
    private struct Ranges
    {
        private GatheredRange _first;
    }
}
