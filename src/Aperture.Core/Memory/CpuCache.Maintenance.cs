namespace Aperture.Core.Memory;

/// <content>The operations of software, and what they cost.</content>
public sealed unsafe partial class CpuCache
{
    private long _operations, _lines, _bytes, _writtenBack, _lost, _evicted, _refilled, _aliasWrites; // as in CpuCacheCounters

    private enum Operation
    {
        Clean,
        Invalidate,
        CleanInvalidate,
    }

    /// <summary>What was done so far. Read while others work it is each number at a slightly different moment.</summary>
    public CpuCacheCounters Counters
    {
        get
        {
            var counters = new CpuCacheCounters
            {
                Operations = Volatile.Read(ref _operations),
                Lines = Volatile.Read(ref _lines),
                Bytes = Volatile.Read(ref _bytes),
                WrittenBack = Volatile.Read(ref _writtenBack),
                Lost = Volatile.Read(ref _lost),
                Evicted = Volatile.Read(ref _evicted),
                Refilled = Volatile.Read(ref _refilled),
                AliasWrites = Volatile.Read(ref _aliasWrites),
            };
            return counters with
            {
                Cycles = (counters.Operations * _options.OperationCycles) + (counters.Lines * _options.LineCycles)
                    + (counters.WrittenBack * _options.WriteBackCycles),
            };
        }
    }

    /// <summary>Writes what the CPU wrote to the range to memory, in whole lines. The lines stay in the cache. Memory without a cached
    /// view is passed over.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes; 0 does nothing.</param>
    /// <exception cref="ApertureException"><see cref="Status.BadAddress"/>: the range is not wholly inside one region of RAM.</exception>
    public void Clean(PhysicalAddress address, ulong length) => Maintain(address, length, Operation.Clean);

    /// <summary>Lets the CPU see what memory holds. What it wrote to whole lines of the range and did not clean is lost. A line that lies
    /// partly outside of the range is cleaned first: its other bytes survive, and what a device wrote to it does not (ARMv7).</summary>
    /// <inheritdoc cref="Clean"/>
    public void Invalidate(PhysicalAddress address, ulong length) => Maintain(address, length, Operation.Invalidate);

    /// <summary>Cleans the range, then lets the CPU see what memory holds.</summary>
    /// <inheritdoc cref="Clean"/>
    public void CleanInvalidate(PhysicalAddress address, ulong length) => Maintain(address, length, Operation.CleanInvalidate);

    /// <summary>Writes zeros as the CPU, so that the lines are dirty even where the CPU saw zeros before and memory holds something else.
    /// A line that lies partly outside of the range is dirty as a whole.</summary>
    /// <inheritdoc cref="Clean"/>
    public void Zero(PhysicalAddress address, ulong length)
    {
        if (length == 0)
            return;
        var region = Find(address, length);
        var offset = address.Value - region.Range.Start.Value;
        var stop = offset + length;
        while (offset < stop)
        {
            var end = Math.Min(stop, PageEnd(offset));
            lock (LockOf(offset))
            {
                new Span<byte>(region.Bytes + offset, (int)(end - offset)).Clear();
                for (var at = offset & ~(_line - 1); IsCached(region, offset) && at < end; at += _line)
                {
                    // A copy that differs in the first word is enough: the line is written back as a whole.
                    *(ulong*)(region.Lines + at) = ~*(ulong*)(region.Bytes + at);
                }
            }

            offset = end;
        }
    }

    private static ulong PageEnd(ulong offset) => (offset | (PhysicalMemory.PageSize - 1)) + 1;

    private void Maintain(PhysicalAddress address, ulong length, Operation operation)
    {
        if (length == 0)
            return;
        var region = Find(address, length);
        _chaos?.Disturb(address, length);
        var offset = address.Value - region.Range.Start.Value;
        var end = offset + length;
        var first = offset & ~(_line - 1);
        var stop = (end + _line - 1) & ~(_line - 1);
        long writtenBack = 0, lost = 0;
        for (var at = first; at < stop;)
        {
            var pageEnd = Math.Min(stop, PageEnd(at));
            lock (LockOf(at))
            {
                for (; at < pageEnd && IsCached(region, at); at += _line)
                {
                    var isDirty = IsDirty(region, at);
                    if (operation == Operation.Invalidate && at >= offset && at + _line <= end)
                    {
                        lost += isDirty ? 1 : 0;
                        Fill(region, at);
                        continue;
                    }

                    if (isDirty)
                    {
                        WriteBack(region, at);
                        writtenBack++;
                    }

                    if (operation != Operation.Clean)
                        Refill(region, at);
                }
            }

            at = pageEnd;
        }

        Count(stop - first, length, writtenBack, lost);
    }

    private void Count(ulong covered, ulong length, long writtenBack, long lost)
    {
        Interlocked.Increment(ref _operations);
        Interlocked.Add(ref _lines, (long)(covered / _line));
        Interlocked.Add(ref _bytes, (long)length);
        if (writtenBack != 0)
            Interlocked.Add(ref _writtenBack, writtenBack);
        if (lost != 0)
            Interlocked.Add(ref _lost, lost);
    }
}
