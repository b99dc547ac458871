using Aperture.Core;

namespace Aperture.Dma;

/// <summary>How a device reaches memory: directly, through an IOMMU, by bounce buffers, or not at all. Chosen once, when the
/// device is attached; the one virtual call of each DMA operation.</summary>
internal abstract class DmaOperations
{
    /// <summary>For messages: <c>direct</c>, <c>iommu</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Allocates memory that both sides see alike.</summary>
    /// <param name="context">The device's DMA context, for masks.</param>
    /// <param name="bytes">Bytes.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="memory">The memory, zeroed.</param>
    /// <param name="address">Where the device finds it.</param>
    /// <param name="mapped">Bytes of device address space taken.</param>
    public abstract Status Allocate(DmaContext context, int bytes, DmaAttributes attributes, out MemoryBlock memory, out Iova address, out ulong mapped);

    /// <summary>Gives such memory back.</summary>
    public abstract void Free(DmaContext context, MemoryBlock memory, Iova address, ulong mapped);

    /// <summary>Maps contiguous memory for the device.</summary>
    public abstract Status Map(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction, DmaAttributes attributes, out Iova address);

    /// <summary>Ends a mapping of <paramref name="bytes"/> at <paramref name="address"/>.</summary>
    public abstract void Unmap(DmaContext context, Iova address, ulong bytes, DmaDirection direction);

    /// <summary>Maps a scatterlist.</summary>
    /// <param name="context">The device's DMA context.</param>
    /// <param name="memory">The pieces of memory.</param>
    /// <param name="segments">At least as many places as pieces.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="count">Number of segments written.</param>
    public abstract Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments, DmaDirection direction, DmaAttributes attributes, out int count);

    /// <summary>Ends the mapping of a scatterlist.</summary>
    public abstract void UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments, DmaDirection direction);
}
