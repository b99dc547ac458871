using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;

namespace Aperture.Dma.Bounce;

/// <summary>Bounce buffers in front of another path: of the direct one, for a device that cannot reach all memory or must not; of one
/// through an IOMMU, for an untrusted device, which else could reach what shares a page with its buffers. On a confidential machine, of
/// either, for memory that is private.</summary>
/// <param name="inner">The path.</param>
/// <param name="pool">The buffers.</param>
/// <param name="isForced">Whether everything bounces, not only what cannot be reached.</param>
/// <param name="granule">Behind an IOMMU: the bytes that become reachable together; buffers fill whole ones. 1 otherwise.</param>
/// <param name="isIsolating">Whether memory that does not fill such ones bounces.</param>
internal sealed class BounceOperations(DmaOperations inner, BouncePool pool, bool isForced, ulong granule, bool isIsolating) : DmaOperations
{
    public override string Name => inner.IsDirect ? "bounce" : "iommu+bounce";

    public override bool IsDirect => inner.IsDirect;

    public override DmaAttributes MapAttributes => inner.MapAttributes;

    public override BouncePool Bounce => pool;

    public override ulong Granule => granule;

    /// <summary>Whether everything bounces.</summary>
    public bool IsForced => isForced;

    /// <summary>What is behind.</summary>
    public DmaOperations Inner => inner;

    // A list that bounces cannot be joined, and whether it does is not known before.
    public override ulong MergeBoundary => 0;

    public override ulong MaxMappingSize(DmaContext context) =>
        BouncePool.MaxMapping - ((context.MinAlignMask + BounceChunk.SlotBytes - 1) & ~(ulong)(BounceChunk.SlotBytes - 1));

    public override ulong OptimalMappingSize(DmaContext context) => Math.Min(MaxMappingSize(context), inner.OptimalMappingSize(context));

    public override Status Map(DmaContext context, ref DmaSource source, DmaDirection direction, DmaAttributes attributes, out Iova address)
    {
        if (IsPeer(context, source))
            return isForced ? Refused(out address)
                : inner.MapResource(context, source.Physical, source.Length, direction, attributes, out address);
        if (!MustBounce(context, source))
            return inner.Map(context, ref source, direction, attributes, out address);
        address = default;
        if ((attributes & DmaAttributes.RequireCoherent) != 0)
            return Status.NotSupported;
        var status = context.TakeBounce(source, pool, granule, out var buffer);
        if (status != Status.Ok)
            return status;
        source.Physical = buffer;
        source.IsBounced = true;
        status = inner.Map(context, ref source, direction, attributes, out address);
        if (status != Status.Ok)
        {
            context.Release(pool, buffer);
            source.IsBounced = false;
        }

        return status;
    }

    public override Status MapAt(DmaContext context, in DmaSource source, Iova address, DmaDirection direction, DmaAttributes attributes) =>
        MustBounce(context, source) ? Status.NotSupported : inner.MapAt(context, source, address, direction, attributes);

    public override Status Unmap(DmaContext context, Iova address, ulong bytes) => inner.Unmap(context, address, bytes);

    public override bool TryResolve(DmaContext context, Iova address, ulong bytes, out PhysicalAddress physical, out ulong run) =>
        inner.TryResolve(context, address, bytes, out physical, out run);

    public override Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments,
        DmaDirection direction, DmaAttributes attributes, out int count, out bool isBounced)
    {
        var bounces = false;
        foreach (var block in memory)
            bounces |= block.Length > 0 && MustBounce(context, new DmaSource(block));
        if (!bounces)
            return inner.MapScatter(context, memory, segments, direction, attributes, out count, out isBounced);

        isBounced = true;
        count = 0;
        foreach (var block in memory)
        {
            if (block.Length == 0)
                continue;
            var source = new DmaSource(block);
            var status = Map(context, ref source, direction, attributes, out var address);
            if (status != Status.Ok)
            {
                context.ReleaseBounced(segments[..count], DmaDirection.ToDevice, this);
                count = 0;
                return status;
            }

            segments[count++] = new DmaSegment(address, source.Length);
        }

        return Status.Ok;
    }

    public override Status UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments,
        ulong boundary, bool isBounced)
    {
        return isBounced ? Status.Ok : inner.UnmapScatter(context, memory, segments, boundary, false);
    }

    public override Status MapResource(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction,
        DmaAttributes attributes, out Iova address) =>
        inner.MapResource(context, physical, bytes, direction, attributes, out address);

    public override Status UnmapResource(DmaContext context, Iova address, ulong bytes) => inner.UnmapResource(context, address, bytes);

    public override Status MapAllocation(DmaContext context, ReadOnlySpan<MemoryBlock> pieces, DmaAttributes attributes,
        DmaDirection direction, out Iova address, out ulong mapped) =>
        inner.MapAllocation(context, pieces, attributes, direction, out address, out mapped);

    public override Status UnmapAllocation(DmaContext context, Iova address, ulong mapped) =>
        inner.UnmapAllocation(context, address, mapped);

    private static unsafe bool IsPeer(DmaContext context, in DmaSource source) =>
        source.Pointer is null && context.PeerOf(source.Physical, source.Length) is not null;

    private static Status Refused(out Iova address)
    {
        address = default;
        return Status.NotSupported;
    }

    /// <summary>Whether the device must not or cannot have this memory itself. Memory of a device is never copied.</summary>
    private bool MustBounce(DmaContext context, in DmaSource source)
    {
        if (IsPeer(context, source))
            return isForced; // and is refused then
        if (pool.Contains(source.Physical))
            return false;
        if (context.Memory.IsPrivate(source.Physical, source.Length))
            return true;
        return inner.IsDirect ? isForced || !context.TryToDevice(source.Physical, source.Length, context.Limit, out _)
            : isIsolating && ((source.Physical.Value | source.Length) & (granule - 1)) != 0;
    }
}
