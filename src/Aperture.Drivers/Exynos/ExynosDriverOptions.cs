namespace Aperture.Drivers.Exynos;

/// <summary>What the driver can do in more than one way.</summary>
public sealed record ExynosDriverOptions
{
    /// <summary>Whether a unit that does not say in time that it is stalled is flushed all the same, and everything once more with the next
    /// invalidation, as the recorded driver does. No manual says that it flushes then, and accesses may be under way still: an unmap would
    /// return while they reach the page. Default: no; the invalidation fails, the unit is programmed afresh or cut off.</summary>
    public bool FlushesUnstalled { get; init; }

    /// <summary>Whether several pages in a row are taken out by their first and last (FLUSH_RANGE, from version 5 on) instead of each by
    /// itself. The registers are known from vendors' lists; the recorded driver never comes to use them, so that a unit whose ranges
    /// err can be driven as it does. Default: yes.</summary>
    public bool FlushesRanges { get; init; } = true;
}
