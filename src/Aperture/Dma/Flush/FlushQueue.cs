using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;
using Aperture.Dma.Memory;
using Aperture.Dma.Meters;
using Aperture.Dma.Operations;
using Aperture.Iommu;

namespace Aperture.Dma.Flush;

/// <summary>Deferred flush of one address space: unmapped ranges wait, and one invalidation covers many. Device addresses and
/// table pages are used again only after an invalidation that began when they were out of the tables.</summary>
/// <remarks>
/// <para>Thread-safe. There are as many rings as cores, and a thread keeps to one of them; a full ring is flushed by whoever fills it, and
/// a timer flushes what waits for <see cref="Timeout"/>. Until then a device may reach what was unmapped, if its unit remembers it:
/// <see cref="Statistics"/> shows how much and how long.</para>
/// <para>A ring collects what it unmaps in one gather, so that its flush invalidates exactly that, not the whole address space. A flush
/// takes gather and ranges out of the ring first: what is unmapped meanwhile, by whoever, waits for the next.</para>
/// <para>While a unit has failed, unmaps wait for nothing: each is flushed at once, and says that the unit could not be told.</para>
/// </remarks>
internal sealed class FlushQueue : IDeferredInvalidations
{
    /// <summary>Ranges that wait in a ring at most (recorded behaviour: 256 places of which one stays free).</summary>
    public const int Capacity = 255;

    private readonly IommuDomain _domain;
    private readonly IovaSpace _space;
    private readonly TimeProvider _time;
    private readonly FlushRing[] _rings; // one for each slot of threads
    private readonly ITimer _timer;
    // held while a ring's units are told: who comes after it knows that they were
    private readonly GatedLock _flushing = new(LockRank.Flush);
    private int _armed;          // 1 while the timer is running
    private long _peak;          // the most bytes that ever waited in all rings

    public FlushQueue(IommuDomain domain, IovaSpace space, TimeProvider time)
    {
        _domain = domain;
        _space = space;
        _time = time;
        _rings = new FlushRing[ThreadSlot.Count];
        for (var i = 0; i < _rings.Length; i++)
            _rings[i] = new FlushRing(Capacity);
        _timer = time.CreateTimer(static queue => ((FlushQueue)queue!).OnTimer(), this, System.Threading.Timeout.InfiniteTimeSpan,
            System.Threading.Timeout.InfiniteTimeSpan);
    }

    /// <summary>How long a range waits at most (recorded behaviour: 10 ms).</summary>
    public static TimeSpan Timeout { get; } = TimeSpan.FromMilliseconds(10);

    /// <summary>What happened so far.</summary>
    public FlushStatistics Statistics
    {
        get
        {
            long unmaps = 0, flushes = 0, timer = 0, pending = 0, longest = 0;
            foreach (var ring in _rings)
            {
                using (ring.Lock.Hold())
                {
                    unmaps += ring.Unmaps;
                    flushes += ring.Flushes;
                    timer += ring.TimerFlushes;
                    pending += (long)ring.Bytes;
                    longest = Math.Max(longest, ring.LongestTicks);
                }
            }

            return new FlushStatistics(unmaps, flushes, timer, pending, Volatile.Read(ref _peak), _time.GetElapsedTime(0, longest));
        }
    }

    /// <summary>Unmaps a range; the units are told later.</summary>
    /// <returns>A failure: a unit failed and could not be told of what waited, this range included.</returns>
    /// <exception cref="ApertureException">The range was not mapped as a whole. What was mapped of it is gone, and the units were
    /// told.</exception>
    public Status Unmap(Iova start, ulong bytes)
    {
        var thread = ThreadRecord.Current;
        var ring = Enter(thread);
        Status status;
        ulong unmapped;
        bool isUrgent;
        try
        {
            status = _domain.Unmap(start, bytes, ref ring.Gather, out unmapped);
            isUrgent = unmapped == bytes ? Add(ring, start, bytes) : !ring.Gather.IsEmpty;
        }
        finally
        {
            ring.Lock.Exit(thread);
        }

        var told = isUrgent ? Flush(ring) : Status.Ok;
        return unmapped == bytes ? told : throw IommuOperations.PartialUnmap(start, bytes, unmapped, status);
    }

    /// <summary>Unmaps the pieces of a scatterlist.</summary>
    /// <inheritdoc cref="Unmap(Iova, ulong)"/>
    public Status Unmap(IommuOperations operations, ReadOnlySpan<MemoryBlock> memory, Iova start, ulong bytes, ulong boundary)
    {
        var thread = ThreadRecord.Current;
        var ring = Enter(thread);
        bool isWhole;
        bool isUrgent;
        try
        {
            isWhole = operations.UnmapPieces(memory, start, boundary, ref ring.Gather);
            isUrgent = isWhole ? Add(ring, start, bytes) : !ring.Gather.IsEmpty;
        }
        finally
        {
            ring.Lock.Exit(thread);
        }

        var told = isUrgent ? Flush(ring) : Status.Ok;
        return isWhole ? told : throw IommuOperations.PartialUnmap(start, bytes, 0, Status.InvalidArgument);
    }

    /// <summary>Tells the units of all that waits.</summary>
    /// <returns>The first failure.</returns>
    public Status Flush()
    {
        var status = Status.Ok;
        foreach (var ring in _rings)
        {
            var told = Flush(ring);
            status = status == Status.Ok ? told : status;
        }

        return status;
    }

    public void Dispose()
    {
        _timer.Dispose();
        Flush(); // a unit that fails was reported, and what it could not be told of stays in the domain's quarantine
    }

    /// <summary>The calling thread's ring, locked, with a place for one more range. A thread that meets another there looks for a ring of
    /// its own.</summary>
    private FlushRing Enter(ThreadRecord thread)
    {
        while (true)
        {
            var ring = _rings[ThreadSlot.Of(thread)];
            if (!ring.Lock.TryEnter(thread))
            {
                ThreadSlot.Move(thread);
                ring = _rings[ThreadSlot.Of(thread)];
                ring.Lock.Enter(thread);
            }

            if (ring.Count < Capacity)
                return ring;
            ring.Lock.Exit(thread);
            Flush(ring);
        }
    }

    /// <summary>Lets a range wait.</summary>
    /// <returns>Whether it must not.</returns>
    private bool Add(FlushRing ring, Iova start, ulong bytes)
    {
        if (ring.Count == 0)
            ring.Oldest = _time.GetTimestamp();
        ring.Ranges[ring.Count++] = new FlushRing.Range(start, bytes);
        ring.Bytes += bytes;
        ring.Unmaps++;
        ring.AssertInvariants();

        // A unit that caches links would look into the dead table for what the next map puts into a new one.
        if (ring.Gather.TablesChanged || _domain.IsQuarantining)
            return true;
        if (Volatile.Read(ref _armed) == 0 && Interlocked.Exchange(ref _armed, 1) == 0)
            _timer.Change(Timeout, System.Threading.Timeout.InfiniteTimeSpan);
        return false;
    }

    /// <summary>Tells the units of what a ring has waiting, and only then gives its device addresses back. What others are being told at
    /// that moment they know when this returns, too.</summary>
    private Status Flush(FlushRing ring, bool isTimer = false)
    {
        if (_flushing.IsHeld)
            return FlushNow(ring, isTimer); // from inside of an invalidation: the outer flush has taken out what it tells
        using (_flushing.Hold())
            return FlushNow(ring, isTimer);
    }

    private Status FlushNow(FlushRing ring, bool isTimer)
    {
        FlushRing.Range[] ranges;
        int count;
        InvalidationGather gather;
        long oldest;
        using (ring.Lock.Hold())
        {
            if (ring.Count == 0 && ring.Gather.IsEmpty)
                return Status.Ok;
            (ranges, ring.Ranges, ring.Spare) = (ring.Ranges, ring.Spare ?? new FlushRing.Range[Capacity], null);
            (count, ring.Count) = (ring.Count, 0);
            (gather, ring.Gather) = (ring.Gather, default);
            oldest = ring.Oldest;
        }

        Measure();
        var status = _domain.Commit(ref gather);
        if (status == Status.Ok)
            Free(ranges.AsSpan(0, count));
        else
            FreeLater(ranges.AsSpan(0, count).ToArray());
        using (ring.Lock.Hold())
        {
            for (var i = 0; i < count; i++)
                ring.Bytes -= ranges[i].Bytes;
            if (count > 0)
                ring.LongestTicks = Math.Max(ring.LongestTicks, _time.GetTimestamp() - oldest);
            ring.Flushes++;
            ring.TimerFlushes += isTimer ? 1 : 0;
            ring.Spare = ranges;
            ring.AssertInvariants();
        }

        DmaMeter.Flushed();
        return status;
    }

    private void Free(ReadOnlySpan<FlushRing.Range> ranges)
    {
        foreach (var range in ranges)
            _space.Free(range.Start, range.Bytes);
    }

    private void FreeLater(FlushRing.Range[] ranges) => _domain.WhenInvalidated(() => Free(ranges));

    /// <summary>Keeps the peak of what waits in all rings, as far as the other cores have published it.</summary>
    private void Measure()
    {
        long all = 0;
        foreach (var ring in _rings)
            all += (long)Volatile.Read(ref ring.Bytes);
        InterlockedMax(ref _peak, all);
    }

    private static void InterlockedMax(ref long place, long value)
    {
        for (var seen = Volatile.Read(ref place); seen < value;)
        {
            var now = Interlocked.CompareExchange(ref place, value, seen);
            if (now == seen)
                return;
            seen = now;
        }
    }

    private void OnTimer()
    {
        Volatile.Write(ref _armed, 0); // before it looks: what comes behind its back sets the timer again
        foreach (var ring in _rings)
            Flush(ring, isTimer: true);
    }
}
