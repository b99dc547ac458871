namespace Aperture.Dma.Sanitizer;

/// <summary>Some bytes of a mapping: which ones the CPU owns, or which ones the device wrote. Few and coarse: beyond a number of pieces it
/// is no longer exact, to that side on which a mistake may be missed and none is made up.</summary>
/// <param name="covers">Whether it then has more bytes than it should; false: fewer.</param>
internal sealed class ByteRanges(bool covers)
{
    private const int Capacity = 32;

    private (ulong Start, ulong End)[] _ranges = []; // sorted, apart from each other; made when it is used first
    private int _count;

    public bool IsEmpty => _count == 0;

    public void Clear() => _count = 0;

    public void Add(ulong start, ulong end)
    {
        if (start >= end)
            return;
        if (_ranges.Length == 0)
            _ranges = new (ulong, ulong)[Capacity + 1];
        var first = 0;
        while (first < _count && _ranges[first].End < start)
            first++;
        var last = first;
        while (last < _count && _ranges[last].Start <= end)
        {
            start = Math.Min(start, _ranges[last].Start);
            end = Math.Max(end, _ranges[last].End);
            last++;
        }

        Replace(first, last, (start, end));
        if (_count <= Capacity)
            return;
        if (covers)
            Replace(_count - 2, _count, (_ranges[_count - 2].Start, _ranges[_count - 1].End));
        else
            _count--;
    }

    public void Remove(ulong start, ulong end)
    {
        for (var i = 0; i < _count; i++)
        {
            var range = _ranges[i];
            if (range.End <= start || range.Start >= end)
                continue;
            if (range.Start < start && range.End > end)
            {
                if (_count == Capacity && covers)
                    return;
                _ranges[i].End = start;
                if (_count == Capacity)
                    return;
                _ranges.AsSpan(i, _count - i).CopyTo(_ranges.AsSpan(i + 1));
                _count++;
                _ranges[i + 1] = (end, range.End);
                return;
            }

            if (range.Start < start)
            {
                _ranges[i].End = start;
            }
            else if (range.End > end)
            {
                _ranges[i].Start = end;
            }
            else
            {
                _ranges.AsSpan(i + 1, _count - i - 1).CopyTo(_ranges.AsSpan(i));
                _count--;
                i--;
            }
        }
    }

    /// <summary>Takes all bytes out that another has.</summary>
    public void Remove(ByteRanges other)
    {
        for (var i = 0; i < other._count; i++)
            Remove(other._ranges[i].Start, other._ranges[i].End);
    }

    public void CopyTo(ByteRanges other)
    {
        if (other._ranges.Length < _ranges.Length)
            other._ranges = new (ulong, ulong)[Capacity + 1];
        _ranges.AsSpan(0, _count).CopyTo(other._ranges);
        other._count = _count;
    }

    public bool Touches(ulong start, ulong end)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_ranges[i].Start < end && start < _ranges[i].End)
                return true;
        }

        return false;
    }

    /// <summary>Whether all of a range is in here.</summary>
    public bool Covers(ulong start, ulong end)
    {
        for (var i = 0; i < _count; i++)
        {
            if (_ranges[i].Start <= start && end <= _ranges[i].End)
                return true;
        }

        return false;
    }

    /// <summary>The next piece from <paramref name="start"/> on that is in here.</summary>
    public bool Next(ref ulong start, ulong end, out ulong stop)
    {
        for (var i = 0; i < _count; i++)
        {
            var range = _ranges[i];
            if (range.End <= start)
                continue;
            start = Math.Max(start, range.Start);
            stop = Math.Min(end, range.End);
            return start < end;
        }

        stop = end;
        return false;
    }

    /// <summary>The next piece from <paramref name="start"/> on that is not in here.</summary>
    public bool NextOther(ref ulong start, ulong end, out ulong stop)
    {
        stop = end;
        for (var i = 0; i < _count && start < end; i++)
        {
            var range = _ranges[i];
            if (range.End <= start)
                continue;
            if (range.Start <= start)
            {
                start = range.End;
                continue;
            }

            stop = Math.Min(end, range.Start);
            break;
        }

        return start < end;
    }

    private void Replace(int first, int last, (ulong, ulong) range)
    {
        var shift = 1 - (last - first);
        if (shift != 0)
            _ranges.AsSpan(last, _count - last).CopyTo(_ranges.AsSpan(last + shift));
        _count += shift;
        _ranges[first] = range;
    }
}
