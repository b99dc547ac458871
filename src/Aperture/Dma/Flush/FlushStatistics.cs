namespace Aperture.Dma.Flush;

/// <summary>How deferred flush did in one address space: what a device could still reach after it was unmapped, and for how long.</summary>
/// <param name="Unmaps">Ranges that were unmapped without an invalidation of their own.</param>
/// <param name="Flushes">Invalidations that covered them.</param>
/// <param name="TimerFlushes">How many of these the timer caused.</param>
/// <param name="PendingBytes">Bytes that are unmapped and not yet invalidated.</param>
/// <param name="PeakPendingBytes">The most there ever were, bytes.</param>
/// <param name="LongestWindow">The longest time from an unmap to the end of its invalidation.</param>
public readonly record struct FlushStatistics(long Unmaps, long Flushes, long TimerFlushes, long PendingBytes, long PeakPendingBytes,
    TimeSpan LongestWindow);
