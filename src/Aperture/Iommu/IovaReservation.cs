using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>Device addresses of a master that are not to be given out.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
/// <param name="Kind">Why.</param>
/// <param name="Protection">What the device does there; counts for <see cref="ReservationKind.Direct"/> and
/// <see cref="ReservationKind.DirectRelaxable"/>.</param>
public readonly record struct IovaReservation(Iova First, Iova Last, ReservationKind Kind, Protection Protection = Protection.ReadWrite)
{
    /// <summary>Whether the addresses must lead to the physical ones of the same numbers.</summary>
    public bool IsDirect => Kind is ReservationKind.Direct or ReservationKind.DirectRelaxable;

    /// <summary>Whether two have an address in common.</summary>
    public bool Overlaps(in IovaReservation other) => First.Value <= other.Last.Value && other.First.Value <= Last.Value;
}
