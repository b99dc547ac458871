using Aperture.Core;

namespace Aperture.Dma;

/// <summary>A contiguous range of device addresses.</summary>
/// <param name="Address">The first byte.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct DmaSegment(Iova Address, ulong Length);
