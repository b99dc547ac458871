using System.Numerics;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Diagnostics;

namespace Aperture.Iommu;

/// <summary>A domain with a page table. Unit drivers make it in <see cref="IommuUnit.MakeDomain"/>.</summary>
/// <typeparam name="TFormat">The table format; it also tells which units can use the domain.</typeparam>
public sealed partial class PagingDomain<TFormat> : IommuDomain
    where TFormat : struct, IPageTableFormat
{
    private readonly DmaTrace? _trace; // null when nobody listens
    private readonly ulong _last;      // the highest device address

    /// <summary>An empty address space.</summary>
    /// <param name="type"><see cref="DomainType.Unmanaged"/> or <see cref="DomainType.Dma"/>.</param>
    /// <param name="format">The table format.</param>
    /// <param name="memory">Where the tables live.</param>
    /// <param name="trace">Hears of maps and unmaps.</param>
    /// <exception cref="ApertureException">No memory for the root table.</exception>
    public PagingDomain(DomainType type, TFormat format, ITableMemory memory, DmaTrace? trace = null)
        : this(new DomainRequest(type), format, memory, trace)
    {
    }

    /// <summary>An empty address space as somebody asked for it.</summary>
    /// <param name="request">Its type, page sizes and bits of an address; whether written pages are to be told, which
    /// <paramref name="format"/> must be able to.</param>
    /// <param name="format">The table format.</param>
    /// <param name="memory">Where the tables live.</param>
    /// <param name="trace">Hears of maps and unmaps.</param>
    /// <exception cref="ApertureException">No memory for the root table; <see cref="Status.InvalidArgument"/>: page sizes that the format
    /// does not have, or more bits.</exception>
    public PagingDomain(in DomainRequest request, TFormat format, ITableMemory memory, DmaTrace? trace = null)
        : base(request.Type)
    {
        if (request.InputBits > format.InputBits)
            throw new ApertureException(Status.InvalidArgument, $"tables of {format.InputBits} address bits have no {request.InputBits}");
        Table = new PageTable<TFormat>(format, memory, request.PageSizes);
        _last = format.InputStart | (ulong.MaxValue >> (64 - (request.InputBits == 0 ? format.InputBits : request.InputBits)));
        _trace = trace;
        TracksDirty = request.TracksDirty;
        if (trace is null)
            TableSpan = Table.SmallestTableSpan;
        LastPhysical = ulong.MaxValue >> (64 - format.OutputBits);
    }

    /// <summary>Whether units remember that nothing was mapped somewhere: what was mapped must be invalidated, too.</summary>
    public bool InvalidatesMaps { get; init; }

    /// <summary>The page table.</summary>
    public PageTable<TFormat> Table { get; }

    /// <inheritdoc/>
    public override bool IsPaging => true;

    /// <inheritdoc/>
    public override ulong PageSizes => Table.PageSizes;

    /// <inheritdoc/>
    public override Iova ApertureStart => new(Table.Format.InputStart);

    /// <inheritdoc/>
    public override Iova ApertureEnd => new(_last);

    /// <inheritdoc/>
    public override Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection)
    {
        // The table itself refuses what its format cannot map; a domain may have been asked to end earlier.
        if (size != 0 && (iova.Value > _last || size - 1 > _last - iova.Value))
            return Status.OutOfRange;
        var gather = new InvalidationGather();
        var status = Table.Map(iova, address, size, protection, ref gather);
        if (InvalidatesMaps && status == Status.Ok && size != 0)
            gather.Add(iova, size, BitOperations.TrailingZeroCount(Table.Format.PageSizes));

        // New links over cached empty entries, and the pages of a failed map that was rolled back, must be invalidated.
        if (!gather.IsEmpty && Commit(ref gather) is not Status.Ok and var told)
            return status == Status.Ok ? TakeBack(iova, size, told) : status;
        if (status == Status.Ok)
            _trace?.Map(iova, address, size);
        return status;
    }

    /// <inheritdoc/>
    public override Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection, ref InvalidationGather gather)
    {
        if (size != 0 && (iova.Value > _last || size - 1 > _last - iova.Value))
            return Status.OutOfRange;
        var status = Table.Map(iova, address, size, protection, ref gather);
        if (status != Status.Ok)
            return status;
        if (InvalidatesMaps && size != 0)
            gather.Add(iova, size, BitOperations.TrailingZeroCount(Table.Format.PageSizes));
        _trace?.Map(iova, address, size);
        return status;
    }

    /// <inheritdoc/>
    public override Status MapPages(Iova iova, ReadOnlySpan<PhysicalAddress> pages, Protection protection, ref InvalidationGather gather)
    {
        var shift = BitOperations.TrailingZeroCount(Table.PageSizes);
        var size = (ulong)pages.Length << shift;
        if (size != 0 && (iova.Value > _last || size - 1 > _last - iova.Value))
            return Status.OutOfRange;
        var status = Table.MapPages(iova, pages, protection, ref gather);
        if (status != Status.Ok)
            return status;
        if (InvalidatesMaps && size != 0)
            gather.Add(iova, size, shift);
        for (var i = 0; _trace is not null && i < pages.Length; i++)
            _trace.Map(iova + ((ulong)i << shift), pages[i], 1UL << shift);
        return status;
    }

    /// <summary>Ends a map that a unit could not be told of: it may find nothing there, or already what was to be there.</summary>
    private Status TakeBack(Iova iova, ulong size, Status status)
    {
        var gather = new InvalidationGather();
        Table.Unmap(iova, size, ref gather, out _);
        Commit(ref gather);
        return status;
    }

    /// <inheritdoc/>
    public override Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
    {
        var status = Table.Unmap(iova, size, ref gather, out unmapped);
        if (status != Status.InvalidArgument)
            _trace?.Unmap(iova, size, unmapped);
        return status;
    }

    /// <inheritdoc/>
    public override Status Commit(ref InvalidationGather gather)
    {
        if (gather.IsEmpty)
            return Status.Ok;
        var status = InvalidateUnits(ref gather);
        if (status != Status.Ok)
            return status;
        Table.FreeGathered(ref gather);
        gather.ClearRanges();
        return status;
    }

    /// <inheritdoc/>
    public override bool TryTranslate(Iova iova, out PhysicalAddress address)
    {
        var found = Table.TryTranslate(iova, out var translation);
        address = translation.Address;
        return found;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            WhenInvalidated(Table.Dispose);
    }

    /// <inheritdoc/>
    protected override void FreeTables(ref InvalidationGather gather) => Table.FreeGathered(ref gather);
}
