using Aperture.Core;

namespace Aperture.Dma;

/// <summary>Device addresses are physical addresses: nothing stands between.</summary>
internal sealed class DirectOperations(SystemMemory memory) : DmaOperations
{
    public override string Name => "direct";

    public override Status Allocate(DmaContext context, int bytes, DmaAttributes attributes, out MemoryBlock block, out Iova address, out ulong mapped)
    {
        address = default;
        mapped = 0;
        block = default;
        if (attributes != DmaAttributes.None)
            return Status.NotSupported;
        if (!memory.TryAllocate(bytes, new PhysicalAddress(context.CoherentLimit.Value), out block))
            return Status.NoMemory;
        address = new Iova(block.Address.Value);
        return Status.Ok;
    }

    public override void Free(DmaContext context, MemoryBlock block, Iova address, ulong mapped) => memory.Free(block);

    public override Status Map(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction, DmaAttributes attributes, out Iova address)
    {
        address = new Iova(physical.Value);
        if (attributes != DmaAttributes.None)
            return Status.NotSupported;
        return physical.Value + (bytes - 1) <= context.Limit.Value ? Status.Ok : Status.OutOfRange;
    }

    public override void Unmap(DmaContext context, Iova address, ulong bytes, DmaDirection direction)
    {
    }

    public override Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> blocks, Span<DmaSegment> segments, DmaDirection direction, DmaAttributes attributes, out int count)
    {
        count = 0;
        foreach (var block in blocks)
        {
            if (block.Length == 0)
                continue;
            var status = Map(context, block.Address, (ulong)block.Length, direction, attributes, out var address);
            if (status != Status.Ok)
                return status;
            segments[count++] = new DmaSegment(address, (ulong)block.Length);
        }

        return Status.Ok;
    }

    public override void UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> blocks, ReadOnlySpan<DmaSegment> segments, DmaDirection direction)
    {
    }
}
