using Aperture.Core.Addresses;

namespace Aperture.Linux.Hosts;

/// <summary>Device addresses of a group that the platform keeps for itself.</summary>
/// <param name="Range">The addresses.</param>
/// <param name="Kind">What for, in the kernel's word: <c>msi</c>, <c>reserved</c>, <c>direct</c>, <c>direct-relaxable</c>.</param>
public sealed record ReservedRange(IovaRange Range, string Kind);
