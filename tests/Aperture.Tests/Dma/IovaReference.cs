namespace Aperture.Tests.Dma;

/// <summary>What is taken of a space of device addresses, in pages, kept as plainly as can be: a sorted set of ranges.</summary>
internal sealed class IovaReference(ulong pages)
{
    private readonly SortedSet<(ulong First, ulong End)> _taken = [(0, 1)];

    public ulong TakenPages { get; private set; } = 1;

    public static ulong Alignment(ulong count) => System.Numerics.BitOperations.RoundUpToPowerOf2(count);

    public bool IsFree(ulong first, ulong count)
    {
        if (first >= pages || count > pages - first)
            return false;
        var before = _taken.GetViewBetween((0, 0), (first + count - 1, ulong.MaxValue));
        return before.Max.End <= first;
    }

    public void Take(ulong first, ulong count)
    {
        _taken.Add((first, first + count));
        TakenPages += count;
    }

    public void Free(ulong first, ulong count)
    {
        Assert.True(_taken.Remove((first, first + count)));
        TakenPages -= count;
    }

    /// <summary>Takes what is free of a range.</summary>
    public void Reserve(ulong first, ulong count)
    {
        foreach (var (from, end) in Gaps().ToArray())
        {
            var (low, high) = (Math.Max(from, first), Math.Min(end, first + count));
            if (low < high)
                Take(low, high - low);
        }
    }

    /// <summary>Whether there is room at a multiple of the size rounded up.</summary>
    public bool HasRoom(ulong count, ulong end)
    {
        var alignment = Alignment(count);
        foreach (var (from, to) in Gaps())
        {
            var first = (from + alignment - 1) & ~(alignment - 1);
            if (first + count <= Math.Min(to, end))
                return true;
        }

        return false;
    }

    private IEnumerable<(ulong From, ulong End)> Gaps()
    {
        ulong from = 0;
        foreach (var (first, end) in _taken)
        {
            if (first > from)
                yield return (from, first);
            from = end;
        }

        if (from < pages)
            yield return (from, pages);
    }
}
