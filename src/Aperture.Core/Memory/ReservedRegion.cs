namespace Aperture.Core.Memory;

/// <summary>Memory that the page allocator must not give out.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Range">The memory. It is rounded outwards to whole pages.</param>
/// <param name="IsMapped">Whether it is RAM that the CPU maps. A region that is not (<c>no-map</c>) may lie outside RAM.</param>
public sealed record ReservedRegion(string Name, MemoryRange Range, bool IsMapped = true);
