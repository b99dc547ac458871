using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>What happens to an access outside of all windows of a domain.</summary>
public enum OutsideAccess
{
    /// <summary>It faults.</summary>
    Faults,

    /// <summary>It passes unchanged, as around the aperture of a GART.</summary>
    Passes,
}

/// <summary>Device addresses that a domain can map.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
/// <param name="PageSizes">Page sizes, one bit each.</param>
/// <param name="Outside">What happens outside; the same for all windows of a domain.</param>
public readonly record struct ApertureWindow(Iova First, Iova Last, ulong PageSizes, OutsideAccess Outside = OutsideAccess.Faults)
{
    /// <summary>Whether a range lies in the window.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="size">Its bytes, at least 1.</param>
    public bool Contains(Iova start, ulong size) => start >= First && start <= Last && size - 1 <= Last.Value - start.Value;
}
