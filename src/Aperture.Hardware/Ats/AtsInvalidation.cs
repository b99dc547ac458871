using Aperture.Core;

namespace Aperture.Hardware.Ats;

/// <summary>An invalidation request to a device. Source: PCI Express 5.0, 10.3.</summary>
/// <param name="Pasid">The process; null for a request without one.</param>
/// <param name="IsGlobal">Whether it is for every process; matters with a process only.</param>
/// <param name="First">The first address.</param>
/// <param name="Last">The last one.</param>
public readonly record struct AtsInvalidation(Pasid? Pasid, bool IsGlobal, Iova First, Iova Last);
