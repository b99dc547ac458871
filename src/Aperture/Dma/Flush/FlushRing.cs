using System.Diagnostics;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;

namespace Aperture.Dma.Flush;

/// <summary>What the threads of one slot have unmapped since its last flush.</summary>
internal sealed class FlushRing(int capacity) : LineApart
{
    public readonly GatedLock Lock = new(LockRank.FlushRing);             // guards everything here; held through an unmap
    public Range[] Ranges = new Range[capacity];                          // device addresses that wait
    public Range[]? Spare = new Range[capacity];                          // takes their place while they are flushed; null meanwhile
    public InvalidationGather Gather;                                     // what the flush has to invalidate, and the tables to free then
    public int Count;                                                     // ranges that wait
    public ulong Bytes;                                                   // bytes of them, and of those that are being flushed
    public long Oldest;                                                   // timestamp of the first of them
    public long Unmaps;                                                   // figures, see FlushStatistics
    public long Flushes;
    public long TimerFlushes;
    public long LongestTicks;                                             // in timestamps

    /// <summary>Asserts what holds whenever nobody is in the middle of a change, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    public void AssertInvariants()
    {
        Debug.Assert(Lock.IsHeld, "a ring is looked at under its lock");
        Debug.Assert(Count >= 0 && Count <= Ranges.Length, "no more ranges wait than there are places");
        ulong bytes = 0;
        for (var i = 0; i < Count; i++)
            bytes += Ranges[i].Bytes;
        Debug.Assert(bytes <= Bytes, "the bytes that wait are counted");
        Debug.Assert(Count == 0 || Gather.Count > 0, "what waits is to be invalidated");
        Debug.Assert(!ReferenceEquals(Ranges, Spare), "what is being flushed is not written");
        Debug.Assert(TimerFlushes <= Flushes, "a flush by the timer is a flush");
    }

    /// <summary>Device addresses.</summary>
    public readonly record struct Range(Core.Iova Start, ulong Bytes);
}
