using System.Numerics;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Core.PageTables;
using Aperture.Dma.Flush;
using Aperture.Dma.Memory;
using Aperture.Iommu;

namespace Aperture.Dma.Operations;

/// <summary>Device addresses come from the address space of the device's group, and a page table stands between.</summary>
internal sealed partial class IommuOperations : DmaOperations
{
    private const int FastPages = 32; // up to so many pages device addresses come out of the caches of the space (recorded behaviour)

    private readonly IommuDomain _domain;
    private readonly IovaSpace _space;
    private readonly FlushQueue? _queue; // null while every unmap invalidates at once
    private readonly ulong _page;        // smallest page of the domain, in bytes

    /// <summary>Operations through a domain.</summary>
    /// <param name="domain">The group's default domain.</param>
    /// <param name="space">Its device addresses; shared by every device in the domain.</param>
    /// <param name="queue">Where unmapped ranges wait for the next invalidation, or null.</param>
    public IommuOperations(IommuDomain domain, IovaSpace space, FlushQueue? queue)
    {
        _domain = domain;
        _space = space;
        _queue = queue;
        _page = 1UL << BitOperations.TrailingZeroCount(domain.PageSizes);
    }

    public override string Name => "iommu";

    public override bool IsDirect => false;

    public override DmaAttributes MapAttributes => CommonMapAttributes | DmaAttributes.Privileged;

    public override ulong MergeBoundary => _page - 1;

    public override ulong Granule => _page;

    /// <summary>The domain.</summary>
    public IommuDomain Domain => _domain;

    /// <summary>Its device addresses.</summary>
    public IovaSpace Space => _space;

    /// <summary>Where unmapped ranges wait, or null.</summary>
    public FlushQueue? Queue => _queue;

    public override ulong OptimalMappingSize(DmaContext context) => _page * FastPages;

    public override Status Map(DmaContext context, ref DmaSource source, DmaDirection direction, DmaAttributes attributes, out Iova address)
    {
        var offset = source.Physical.Value & (_page - 1);
        var status = MapRange(
            context,
            context.MinAlignMask,
            source.Physical - offset,
            Whole(offset + source.Length),
            context.Limit,
            Rights(context, direction, attributes),
            out address);
        address += offset;
        return status;
    }

    public override Status MapAt(DmaContext context, in DmaSource source, Iova address, DmaDirection direction, DmaAttributes attributes)
    {
        var offset = source.Physical.Value & (_page - 1);
        if ((address.Value & (_page - 1)) != offset)
            return Status.InvalidArgument;
        var bytes = Whole(offset + source.Length);
        var start = address - offset;
        if (start.Value > context.Limit.Value || bytes - 1 > context.Limit.Value - start.Value)
            return Status.OutOfRange;
        if (!_domain.IsInWindow(start, bytes))
            return Status.OutOfRange;
        if (!context.TryToPhysical(start, bytes, out _))
            return Status.OutOfRange; // the buses do not pass it
        if (context.MinAlignMask > _page - 1 && ((address.Value ^ source.Physical.Value) & context.MinAlignMask) != 0)
            return Status.InvalidArgument;
        if (!_space.TryTake(start, bytes))
        {
            _queue?.Flush(); // it may wait for its invalidation only
            if (_queue is null || !_space.TryTake(start, bytes))
                return Status.AlreadyExists;
        }

        var status = _domain.Map(start, source.Physical - offset, bytes, Rights(context, direction, attributes));
        if (status != Status.Ok)
            Free(start, bytes);
        return status;
    }

    public override Status Unmap(DmaContext context, Iova address, ulong bytes)
    {
        var offset = address.Value & (_page - 1);
        return UnmapRange(address - offset, Whole(offset + bytes));
    }

    public override bool TryResolve(DmaContext context, Iova address, ulong bytes, out PhysicalAddress physical, out ulong run)
    {
        // Pages that follow each other need not do so in memory.
        run = Math.Min(bytes, _page - (address.Value & (_page - 1)));
        if (!_domain.TryTranslate(address, out physical))
            return false;
        while (run < bytes && _domain.TryTranslate(address + run, out var next) && next == physical + run)
            run += Math.Min(bytes - run, _page);
        return true;
    }

    public override Status MapResource(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction,
        DmaAttributes attributes, out Iova address)
    {
        var offset = physical.Value & (_page - 1);
        var status = MapRange(
            context,
            0,
            physical - offset,
            Whole(offset + bytes),
            context.Limit,
            (Rights(context, direction, attributes) & ~Protection.Cache) | Protection.Mmio,
            out address);
        address += offset;
        return status;
    }

    public override Status UnmapResource(DmaContext context, Iova address, ulong bytes) => Unmap(context, address, bytes);

    public override Status MapAllocation(
        DmaContext context,
        ReadOnlySpan<MemoryBlock> pieces,
        DmaAttributes attributes,
        DmaDirection direction,
        out Iova address,
        out ulong mapped)
    {
        var rights = Rights(context, direction, attributes);
        if (pieces.Length == 1)
            return MapRange(
                context,
                0,
                pieces[0].Address,
                mapped = Whole((ulong)pieces[0].Length),
                context.CoherentLimit,
                rights,
                out address);
        mapped = 0;
        foreach (var piece in pieces)
            mapped += Whole((ulong)piece.Length);
        if (!TryAllocate(context, mapped, context.CoherentLimit, out address))
            return Status.NoSpace;
        ulong done = 0;
        foreach (var piece in pieces)
        {
            var status = _domain.Map(address + done, piece.Address, Whole((ulong)piece.Length), rights);
            if (status != Status.Ok)
            {
                GiveBack(address, mapped, done);
                return status;
            }

            done += Whole((ulong)piece.Length);
        }

        return Status.Ok;
    }

    public override Status UnmapAllocation(DmaContext context, Iova address, ulong mapped) => UnmapRange(address, mapped);

    internal static Protection Rights(DmaContext context, DmaDirection direction, DmaAttributes attributes)
    {
        var rights = direction switch
        {
            DmaDirection.ToDevice => Protection.Read,
            DmaDirection.FromDevice => Protection.Write,
            _ => Protection.ReadWrite,
        };
        if (context.Snoops)
            rights |= Protection.Cache;
        return (attributes & DmaAttributes.Privileged) != 0 ? rights | Protection.Privileged : rights;
    }

    private ulong Whole(ulong bytes) => (bytes + _page - 1) & ~(_page - 1);

    private Status MapRange(
        DmaContext context,
        ulong minAlign,
        PhysicalAddress physical,
        ulong bytes,
        Iova limit,
        Protection rights,
        out Iova address)
    {
        address = default;
        if (minAlign > _page - 1)
            return Status.NotSupported; // no address from here could keep so many bits
        if (!TryAllocate(context, bytes, limit, out address))
            return Status.NoSpace;
        var status = _domain.Map(address, physical, bytes, rights);
        if (status != Status.Ok)
            Free(address, bytes);
        return status;
    }

    /// <summary>Device addresses: below 4 GiB until they run out for this device, which then leaves those to others for good (recorded
    /// behaviour). When there are none left, those that wait for their invalidation come back first.</summary>
    private bool TryAllocate(DmaContext context, ulong bytes, Iova limit, out Iova address)
    {
        if (limit.Value > uint.MaxValue && !context.IsAboveLow)
        {
            if (_space.TryAllocate(bytes, new Iova(uint.MaxValue), false, out address))
                return true;
            context.LeaveLow(limit);
        }

        if (_space.TryAllocate(bytes, limit, out address))
            return true;
        if (_queue is null)
            return false;
        _queue.Flush();
        return _space.TryAllocate(bytes, limit, out address);
    }

    /// <summary>Takes device addresses for something that is mapped there later.</summary>
    internal Status TryTake(DmaContext context, ulong bytes, out Iova address) =>
        TryAllocate(context, bytes, context.Limit, out address) ? Status.Ok : Status.NoSpace;

    /// <summary>Ends what was mapped in a range of device addresses, and keeps these. All units were told.</summary>
    internal Status Clear(Iova address, ulong bytes)
    {
        var gather = new InvalidationGather();
        var status = _domain.Unmap(address, bytes, ref gather, out var unmapped);
        var told = _domain.Commit(ref gather);
        return unmapped == bytes ? told : throw PartialUnmap(address, bytes, unmapped, status);
    }

    /// <summary>Ends a range of device addresses of which all is mapped.</summary>
    internal Status UnmapRange(Iova address, ulong bytes)
    {
        if (_queue is not null)
            return _queue.Unmap(address, bytes);
        var gather = new InvalidationGather();
        var status = _domain.Unmap(address, bytes, ref gather, out var unmapped);
        var told = _domain.Commit(ref gather);
        // Device addresses whose pages are still in the tables must never be given out again.
        if (unmapped != bytes)
            throw PartialUnmap(address, bytes, unmapped, status);
        if (told == Status.Ok)
            _space.Free(address, bytes);
        else
            FreeLater(address, bytes);
        return told;
    }

    /// <summary>Takes a range back of which only the first bytes were mapped.</summary>
    private void GiveBack(Iova address, ulong bytes, ulong mapped)
    {
        var gather = new InvalidationGather();
        ulong unmapped = 0;
        if (mapped > 0)
            _domain.Unmap(address, mapped, ref gather, out unmapped);
        _domain.Commit(ref gather);
        if (unmapped == mapped)
            Free(address, bytes);
    }

    /// <summary>Gives device addresses back of which nothing is in the tables any more, once no unit knows of them.</summary>
    internal void Free(Iova address, ulong bytes)
    {
        if (_domain.IsQuarantining)
            FreeLater(address, bytes);
        else
            _space.Free(address, bytes);
    }

    private void FreeLater(Iova address, ulong bytes) => _domain.WhenInvalidated(() => _space.Free(address, bytes));

    internal static ApertureException PartialUnmap(Iova address, ulong bytes, ulong unmapped, Status status) => new(
        status == Status.Ok ? Status.InvalidArgument : status,
        $"unmap of 0x{bytes:x} bytes at device address {address} removed 0x{unmapped:x}: the range was not mapped as a whole");
}
