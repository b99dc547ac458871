using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

/// <summary>A device whose description says that it does no DMA: everything is refused.</summary>
internal sealed class NoOperations : DmaOperations
{
    public static NoOperations Instance { get; } = new();

    public override string Name => "none";

    public override bool IsDirect => false;

    public override DmaAttributes MapAttributes => DmaAttributes.None;

    public override ulong MaxMappingSize(DmaContext context) => 0;

    public override Status Map(DmaContext context, ref DmaSource source, DmaDirection direction, DmaAttributes attributes, out Iova address)
    {
        address = default;
        return Status.NoDevice;
    }

    public override Status MapAt(DmaContext context, in DmaSource source, Iova address, DmaDirection direction,
        DmaAttributes attributes) => Status.NoDevice;

    public override Status Unmap(DmaContext context, Iova address, ulong bytes) => Status.Ok;

    public override bool TryResolve(DmaContext context, Iova address, ulong bytes, out PhysicalAddress physical, out ulong run)
    {
        (physical, run) = (default, 0);
        return false;
    }

    public override Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments,
        DmaDirection direction, DmaAttributes attributes, out int count, out bool isBounced)
    {
        (count, isBounced) = (0, false);
        return Status.NoDevice;
    }

    public override Status UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments,
        ulong boundary, bool isBounced) => Status.Ok;

    public override Status MapResource(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction,
        DmaAttributes attributes, out Iova address)
    {
        address = default;
        return Status.NoDevice;
    }

    public override Status UnmapResource(DmaContext context, Iova address, ulong bytes) => Status.Ok;

    public override Status MapAllocation(DmaContext context, ReadOnlySpan<MemoryBlock> pieces, DmaAttributes attributes,
        DmaDirection direction, out Iova address, out ulong mapped)
    {
        (address, mapped) = (default, 0);
        return Status.NoDevice;
    }

    public override Status UnmapAllocation(DmaContext context, Iova address, ulong mapped) => Status.Ok;
}
