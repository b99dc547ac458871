using Aperture.Core;

namespace Aperture.Hardware.Virtio;

/// <summary>An access that a disk makes to a place where it has no business.</summary>
/// <param name="Sector">With the request that contains this sector.</param>
/// <param name="Address">Where.</param>
/// <param name="IsWrite">Whether it writes.</param>
public sealed record VirtioStrayAccess(ulong Sector, Iova Address, bool IsWrite);
