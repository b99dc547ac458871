using System.Numerics;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Iommu;

namespace Aperture.Dma;

/// <summary>Device addresses come from the address space of the device's group, and a page table stands between.</summary>
internal sealed class IommuOperations : DmaOperations
{
    private readonly IommuDomain _domain;
    private readonly IovaSpace _space;
    private readonly SystemMemory _memory;
    private readonly ulong _page; // smallest page of the domain, in bytes

    /// <summary>Operations through a domain.</summary>
    /// <param name="domain">The group's default domain.</param>
    /// <param name="space">Its device addresses; shared by every device in the domain.</param>
    /// <param name="memory">Where coherent memory comes from.</param>
    public IommuOperations(IommuDomain domain, IovaSpace space, SystemMemory memory)
    {
        _domain = domain;
        _space = space;
        _memory = memory;
        _page = 1UL << BitOperations.TrailingZeroCount(domain.PageSizes);
    }

    public override string Name => "iommu";

    public override Status Allocate(DmaContext context, int bytes, DmaAttributes attributes, out MemoryBlock memory, out Iova address, out ulong mapped)
    {
        mapped = ((ulong)bytes + _page - 1) & ~(_page - 1);
        address = default;
        if (!_memory.TryAllocate(bytes, new PhysicalAddress(ulong.MaxValue), out memory))
            return Status.NoMemory;
        var status = MapRange(memory.Address, mapped, context.CoherentLimit, Rights(DmaDirection.Bidirectional, attributes), out address);
        if (status != Status.Ok)
            _memory.Free(memory);
        return status;
    }

    public override void Free(DmaContext context, MemoryBlock memory, Iova address, ulong mapped)
    {
        UnmapRange(address, mapped);
        _memory.Free(memory);
    }

    public override Status Map(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction, DmaAttributes attributes, out Iova address)
    {
        var offset = physical.Value & (_page - 1);
        var status = MapRange(physical - offset, (offset + bytes + _page - 1) & ~(_page - 1), context.Limit, Rights(direction, attributes), out address);
        address += offset;
        return status;
    }

    public override void Unmap(DmaContext context, Iova address, ulong bytes, DmaDirection direction)
    {
        var offset = address.Value & (_page - 1);
        UnmapRange(address - offset, (offset + bytes + _page - 1) & ~(_page - 1));
    }

    public override Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments, DmaDirection direction, DmaAttributes attributes, out int count)
    {
        // One range of device addresses for the whole list: each piece starts on a page of its own.
        count = 0;
        ulong total = 0;
        foreach (var block in memory)
            total += Pages(block);
        if (!_space.TryAllocate(total, context.Limit, out var start))
            return Status.NoSpace;

        var rights = Rights(direction, attributes);
        var next = start;
        foreach (var block in memory)
        {
            if (block.Length == 0)
                continue;
            var offset = block.Address.Value & (_page - 1);
            var pages = Pages(block);
            var status = _domain.Map(next, block.Address - offset, pages, rights);
            if (status != Status.Ok)
            {
                count = 0;
                // Device addresses whose pages are still in the tables must never be given out again.
                if (next == start || _domain.Unmap(start, next - start) == next - start)
                    _space.Free(start, total);
                return status;
            }

            var segment = new DmaSegment(next + offset, (ulong)block.Length);
            if (count > 0 && segments[count - 1].Address + segments[count - 1].Length == segment.Address)
                segments[count - 1] = segments[count - 1] with { Length = segments[count - 1].Length + segment.Length };
            else
                segments[count++] = segment;
            next += pages;
        }

        return Status.Ok;
    }

    public override void UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments, DmaDirection direction)
    {
        ulong total = 0;
        foreach (var block in memory)
            total += Pages(block);
        UnmapRange(segments[0].Address.AlignDown(_page), total);
    }

    private static Protection Rights(DmaDirection direction, DmaAttributes attributes)
    {
        var rights = direction switch
        {
            DmaDirection.ToDevice => Protection.Read,
            DmaDirection.FromDevice => Protection.Write,
            _ => Protection.ReadWrite,
        };
        return (attributes & DmaAttributes.Privileged) != 0 ? rights | Protection.Privileged : rights;
    }

    private ulong Pages(MemoryBlock block) =>
        block.Length == 0 ? 0 : ((block.Address.Value & (_page - 1)) + (ulong)block.Length + _page - 1) & ~(_page - 1);

    private Status MapRange(PhysicalAddress physical, ulong bytes, Iova limit, Protection rights, out Iova address)
    {
        if (!_space.TryAllocate(bytes, limit, out address))
            return Status.NoSpace;
        var status = _domain.Map(address, physical, bytes, rights);
        if (status != Status.Ok)
            _space.Free(address, bytes);
        return status;
    }

    private void UnmapRange(Iova address, ulong bytes)
    {
        var gather = default(InvalidationGather);
        var status = _domain.Unmap(address, bytes, ref gather, out var unmapped);
        _domain.Commit(ref gather);
        // Device addresses whose pages are still in the tables must never be given out again.
        if (unmapped == bytes)
            _space.Free(address, bytes);
        else
            throw new ApertureException(status == Status.Ok ? Status.InvalidArgument : status, $"unmap of 0x{bytes:x} bytes at device address {address} removed 0x{unmapped:x}: the range was not mapped as a whole");
    }
}
