using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Core.Threading;
using Aperture.Dma.Memory;
using Aperture.Dma.Meters;
using Aperture.Dma.Operations;
using Aperture.Iommu;

namespace Aperture.Dma.Flush;

/// <summary>Deferred flush of one address space: unmapped ranges wait, and one invalidation covers many. Device addresses and
/// table pages are used again only after an invalidation that began when they were out of the tables.</summary>
/// <remarks>
/// <para>Thread-safe. There are as many rings as cores, and a thread keeps to one of them; a full ring is flushed by whoever fills it, and a timer flushes what waits for
/// <see cref="Timeout"/>. Until then a device may reach what was unmapped, if its unit remembers it: <see cref="Statistics"/> shows how much and how long.</para>
/// <para>A ring collects what it unmaps in one gather, so that its flush invalidates exactly that, not the whole address space.</para>
/// </remarks>
internal sealed class FlushQueue : IDisposable
{
    /// <summary>Ranges that wait in a ring at most (recorded behaviour: 256 places of which one stays free).</summary>
    public const int Capacity = 255;

    private readonly IommuDomain _domain;
    private readonly IovaSpace _space;
    private readonly TimeProvider _time;
    private readonly FlushRing[] _rings; // one for each slot of threads
    private readonly ITimer _timer;
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
        _timer = time.CreateTimer(static queue => ((FlushQueue)queue!).OnTimer(), this, System.Threading.Timeout.InfiniteTimeSpan, System.Threading.Timeout.InfiniteTimeSpan);
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
                lock (ring.Lock)
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

    /// <summary>Unmaps a range; the units forget it later.</summary>
    public void Unmap(Iova start, ulong bytes)
    {
        var ring = Enter();
        try
        {
            MakeRoom(ring);
            var status = _domain.Unmap(start, bytes, ref ring.Gather, out var unmapped);
            if (unmapped == bytes)
                Add(ring, start, bytes);
            else
                IommuOperations.ThrowTorn(start, bytes, unmapped, status);
        }
        finally
        {
            ring.Lock.Exit();
        }
    }

    /// <summary>Unmaps the pieces of a scatterlist.</summary>
    public void Unmap(IommuOperations operations, ReadOnlySpan<MemoryBlock> memory, Iova start, ulong bytes, ulong boundary)
    {
        var ring = Enter();
        try
        {
            MakeRoom(ring);
            if (operations.UnmapPieces(memory, start, boundary, ref ring.Gather))
                Add(ring, start, bytes);
            else
                IommuOperations.ThrowTorn(start, bytes, 0, Status.InvalidArgument);
        }
        finally
        {
            ring.Lock.Exit();
        }
    }

    /// <summary>Makes the units forget all that waits.</summary>
    public void Flush()
    {
        foreach (var ring in _rings)
        {
            lock (ring.Lock)
                Flush(ring);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        Flush();
    }

    /// <summary>The calling thread's ring, locked. A thread that meets another there looks for a ring of its own.</summary>
    private FlushRing Enter()
    {
        var ring = _rings[ThreadSlot.Current];
        if (ring.Lock.TryEnter())
            return ring;
        ThreadSlot.Move(ThreadRecord.Current);
        ring = _rings[ThreadSlot.Current];
        ring.Lock.Enter();
        return ring;
    }

    private void MakeRoom(FlushRing ring)
    {
        if (ring.Count == Capacity)
            Flush(ring);
    }

    private void Add(FlushRing ring, Iova start, ulong bytes)
    {
        if (ring.Count == 0)
            ring.Oldest = _time.GetTimestamp();
        ring.Ranges[ring.Count++] = new FlushRing.Range(start, bytes);
        ring.Bytes += bytes;
        ring.Unmaps++;
        if (ring.Gather.TablesChanged)
        {
            // A unit that caches links would look into the dead table for what the next map puts into a new one.
            Flush(ring);
            return;
        }

        if (Volatile.Read(ref _armed) == 0 && Interlocked.Exchange(ref _armed, 1) == 0)
            _timer.Change(Timeout, System.Threading.Timeout.InfiniteTimeSpan);
    }

    /// <summary>Invalidates what a ring has waiting, and only then gives its device addresses back.</summary>
    private void Flush(FlushRing ring)
    {
        if (ring.Count == 0)
            return;
        Measure();
        _domain.Commit(ref ring.Gather);
        for (var i = 0; i < ring.Count; i++)
            _space.Free(ring.Ranges[i].Start, ring.Ranges[i].Bytes);
        ring.LongestTicks = Math.Max(ring.LongestTicks, _time.GetTimestamp() - ring.Oldest);
        ring.Count = 0;
        ring.Bytes = 0;
        ring.Flushes++;
        DmaMeter.Flushed();
    }

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
        Volatile.Write(ref _armed, 0);
        foreach (var ring in _rings)
        {
            lock (ring.Lock)
            {
                if (ring.Count == 0)
                    continue;
                ring.TimerFlushes++;
                Flush(ring);
            }
        }
    }
}
