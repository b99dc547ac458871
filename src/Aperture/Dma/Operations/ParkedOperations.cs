using Aperture.Core;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

/// <summary>What is left of a device's operations while its group is in a domain that is not for the DMA API: nothing new is mapped, which
/// would get to where the device is not, and what was mapped before can be ended.</summary>
/// <param name="inner">The operations before.</param>
internal sealed class ParkedOperations(DmaOperations inner) : DmaOperations
{
    public override string Name => inner.Name;

    public override bool IsDirect => inner.IsDirect;

    public override DmaAttributes MapAttributes => inner.MapAttributes;

    public override BouncePool? Bounce => inner.Bounce;

    public override ulong MergeBoundary => inner.MergeBoundary;

    public override ulong Granule => inner.Granule;

    public override ulong MaxMappingSize(DmaContext context) => inner.MaxMappingSize(context);

    public override ulong OptimalMappingSize(DmaContext context) => inner.OptimalMappingSize(context);

    public override Status Map(DmaContext context, ref DmaSource source, DmaDirection direction, DmaAttributes attributes, out Iova address)
    {
        address = default;
        return Status.Busy;
    }

    public override Status MapAt(DmaContext context, in DmaSource source, Iova address, DmaDirection direction,
        DmaAttributes attributes) => Status.Busy;

    public override Status Unmap(DmaContext context, Iova address, ulong bytes) => inner.Unmap(context, address, bytes);

    public override bool TryResolve(DmaContext context, Iova address, ulong bytes, out PhysicalAddress physical, out ulong run) =>
        inner.TryResolve(context, address, bytes, out physical, out run);

    public override Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments,
        DmaDirection direction, DmaAttributes attributes, out int count, out bool isBounced)
    {
        (count, isBounced) = (0, false);
        return Status.Busy;
    }

    public override Status UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments,
        ulong boundary, bool isBounced) => inner.UnmapScatter(context, memory, segments, boundary, isBounced);

    public override Status MapResource(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction,
        DmaAttributes attributes, out Iova address)
    {
        address = default;
        return Status.Busy;
    }

    public override Status UnmapResource(DmaContext context, Iova address, ulong bytes) => inner.UnmapResource(context, address, bytes);

    public override Status MapAllocation(DmaContext context, ReadOnlySpan<MemoryBlock> pieces, DmaAttributes attributes,
        DmaDirection direction, out Iova address, out ulong mapped)
    {
        (address, mapped) = (default, 0);
        return Status.Busy;
    }

    public override Status UnmapAllocation(DmaContext context, Iova address, ulong mapped) =>
        inner.UnmapAllocation(context, address, mapped);
}
