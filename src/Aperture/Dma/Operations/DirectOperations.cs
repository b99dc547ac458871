using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

/// <summary>Device addresses are the bus's: physical addresses, moved by the windows that the buses in front of the device open
/// to memory. Nothing stands between.</summary>
internal sealed class DirectOperations : DmaOperations
{
    public static DirectOperations Instance { get; } = new();

    public override string Name => "direct";

    public override bool IsDirect => true;

    public override DmaAttributes MapAttributes => CommonMapAttributes;

    public override Status Map(DmaContext context, ref DmaSource source, DmaDirection direction, DmaAttributes attributes,
        out Iova address) =>
        context.TryToDevice(source.Physical, source.Length, context.Limit, out address) ? Status.Ok : Status.OutOfRange;

    public override Status MapAt(DmaContext context, in DmaSource source, Iova address, DmaDirection direction, DmaAttributes attributes)
    {
        if (!context.TryToDevice(source.Physical, source.Length, context.Limit, out var own))
            return Status.OutOfRange;
        return own == address ? Status.Ok : Status.NotSupported;
    }

    public override Status Unmap(DmaContext context, Iova address, ulong bytes) => Status.Ok;

    public override bool TryResolve(DmaContext context, Iova address, ulong bytes, out PhysicalAddress physical, out ulong run)
    {
        run = bytes;
        return context.TryToPhysical(address, bytes, out physical);
    }

    public override Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments,
        DmaDirection direction, DmaAttributes attributes, out int count, out bool isBounced)
    {
        count = 0;
        isBounced = false;
        foreach (var block in memory)
        {
            if (block.Length == 0)
                continue;
            Iova address;
            var isReached = context.IsPeer(block)
                ? MapResource(context, block.Address, (ulong)block.Length, direction, attributes, out address) == Status.Ok
                : context.TryToDevice(block.Address, (ulong)block.Length, context.Limit, out address);
            if (!isReached)
            {
                count = 0;
                return Status.OutOfRange;
            }

            if (count > 0 && Joins(context, segments[count - 1], address, (ulong)block.Length))
                segments[count - 1] = segments[count - 1] with { Length = segments[count - 1].Length + (ulong)block.Length };
            else
                segments[count++] = new DmaSegment(address, (ulong)block.Length);
        }

        return Status.Ok;
    }

    public override Status UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments,
        ulong boundary, bool isBounced) => Status.Ok;

    // Buses do not move addresses of registers, only those of memory (Linux's behaviour).
    public override Status MapResource(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction,
        DmaAttributes attributes, out Iova address)
    {
        address = new Iova(physical.Value);
        return physical.Value <= context.Limit.Value && bytes - 1 <= context.Limit.Value - physical.Value ? Status.Ok : Status.OutOfRange;
    }

    public override Status UnmapResource(DmaContext context, Iova address, ulong bytes) => Status.Ok;

    public override Status MapAllocation(DmaContext context, ReadOnlySpan<MemoryBlock> pieces, DmaAttributes attributes,
        DmaDirection direction, out Iova address, out ulong mapped)
    {
        mapped = 0;
        address = default;
        if (pieces.Length != 1 || (attributes & DmaAttributes.Privileged) != 0)
            return Status.NotSupported;
        return context.TryToDevice(pieces[0].Address, (ulong)pieces[0].Length, context.CoherentLimit, out address) ? Status.Ok
            : Status.OutOfRange;
    }

    public override Status UnmapAllocation(DmaContext context, Iova address, ulong mapped) => Status.Ok;

    /// <summary>Whether a piece goes on where the last segment ends, within the device's limits for one segment.</summary>
    private static bool Joins(DmaContext context, DmaSegment last, Iova address, ulong length) =>
        last.Address + last.Length == address
        && (address.Value & context.SegmentBoundary) != 0
        && (address.Value & ~context.SegmentBoundary) == ((address.Value + (length - 1)) & ~context.SegmentBoundary)
        && last.Length + length <= context.MaxSegmentSize;
}
