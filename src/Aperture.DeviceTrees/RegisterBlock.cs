using Aperture.Core;

namespace Aperture.DeviceTrees;

/// <summary>One entry of <c>reg</c>.</summary>
/// <param name="BusAddress">The address on the parent's bus, as written.</param>
/// <param name="Length">Bytes; may be zero.</param>
/// <param name="Address">The address as the CPU sees it; null when a bus above has no <c>ranges</c>, or none that covers it.</param>
/// <param name="Name">The matching entry of <c>reg-names</c>; null without one.</param>
public readonly record struct RegisterBlock(ulong BusAddress, ulong Length, PhysicalAddress? Address, string? Name);
