using System.Numerics;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Core.PageTables;

namespace Aperture.Iommu;

/// <summary>One I/O address space. It may be in force for many masters behind many units of one kind at once; each of them
/// sees each change. Mapping and unmapping are safe from any thread as long as two calls never touch the same address.</summary>
public abstract partial class IommuDomain : IDisposable
{
    /// <summary>A domain.</summary>
    protected IommuDomain(DomainType type) => Type = type;

    /// <summary>What the address space is for.</summary>
    public DomainType Type { get; }

    /// <summary>Whether mappings can be made in it.</summary>
    public virtual bool IsPaging => false;

    /// <summary>Page sizes, one bit each.</summary>
    public virtual ulong PageSizes => 0;

    /// <summary>The lowest device address.</summary>
    public virtual Iova ApertureStart => default;

    /// <summary>The highest device address.</summary>
    public virtual Iova ApertureEnd => new(ulong.MaxValue);

    /// <summary>Device addresses between <see cref="ApertureStart"/> and <see cref="ApertureEnd"/> that cannot be mapped, like the window
    /// of message-signalled interrupts of a host, or are kept for <see cref="Reservations"/>. May grow when a master joins the
    /// domain.</summary>
    public virtual IEnumerable<(Iova First, Iova Last)> ReservedRanges =>
        Reservations.Select(reservation => (reservation.First, reservation.Last));

    /// <summary>The device addresses that can be mapped, lowest first; from <see cref="ApertureStart"/> to <see cref="ApertureEnd"/> where
    /// there is one window. Empty for a domain without tables.</summary>
    public virtual IReadOnlyList<ApertureWindow> Windows => IsPaging ? [new ApertureWindow(ApertureStart, ApertureEnd, PageSizes)] : [];

    /// <summary>Whether a range lies in one of the <see cref="Windows"/>.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="size">Its bytes, at least 1.</param>
    public virtual bool IsInWindow(Iova start, ulong size) =>
        start >= ApertureStart && start <= ApertureEnd && size - 1 <= ApertureEnd.Value - start.Value;

    /// <summary>Decides about the page requests of masters in this domain; null answers them as invalid.</summary>
    public PageRequestHandler? PageRequestHandler { get; set; }

    /// <summary>Decides about faults of masters in this domain; null leaves them unhandled.</summary>
    public FaultHandler? FaultHandler { get; set; }

    /// <summary>The device addresses that the DMA API gives out here; made on first use, while the group is configured.</summary>
    internal IovaSpace? Space { get; set; }

    /// <summary>Where unmapped ranges wait for their invalidation; null unless the type is <see cref="DomainType.DmaDeferred"/> and the DMA
    /// API is used.</summary>
    internal IDeferredInvalidations? Queue { get; set; }

    /// <summary>Maps [<paramref name="iova"/>, +<paramref name="size"/>) to <paramref name="address"/> with the largest pages
    /// that fit, on every unit. All or nothing.</summary>
    /// <param name="iova">A multiple of the smallest page size.</param>
    /// <param name="address">A multiple of the smallest page size.</param>
    /// <param name="size">Bytes, a multiple of the smallest page size; zero maps nothing.</param>
    /// <param name="protection">At least one right, unless the format can express none.</param>
    /// <returns><see cref="Status.InvalidArgument"/> misaligned, or not a paging domain; <see cref="Status.AlreadyExists"/> something is
    /// mapped there; <see cref="Status.OutOfRange"/> beyond the aperture or the output; <see cref="Status.NoMemory"/> no table.</returns>
    public virtual Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection) => Status.InvalidArgument;

    /// <summary>Maps as <see cref="Map(Iova, PhysicalAddress, ulong, Protection)"/> does, but tells no unit: what those have to hear of
    /// it is added to <paramref name="gather"/>, and <see cref="Commit"/> must follow before a device uses what was mapped. Also when it
    /// fails.</summary>
    /// <param name="iova">As there.</param>
    /// <param name="address">As there.</param>
    /// <param name="size">As there.</param>
    /// <param name="protection">As there.</param>
    /// <param name="gather">Collects what to invalidate.</param>
    /// <returns>As there.</returns>
    public virtual Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection, ref InvalidationGather gather) =>
        Map(iova, address, size, protection);

    /// <summary>Maps pages of the smallest size, one behind the other from <paramref name="iova"/> on, to memory that need not follow each
    /// other, and tells no unit, as <see cref="Map(Iova, PhysicalAddress, ulong, Protection, ref InvalidationGather)"/> does. All or
    /// nothing.</summary>
    /// <param name="iova">As there.</param>
    /// <param name="pages">Where each page lies in memory, a multiple of its size.</param>
    /// <param name="protection">As there.</param>
    /// <param name="gather">Collects what to invalidate.</param>
    /// <returns>As there.</returns>
    public virtual Status MapPages(Iova iova, ReadOnlySpan<PhysicalAddress> pages, Protection protection, ref InvalidationGather gather)
    {
        if (!IsPaging)
            return Status.InvalidArgument;
        var page = 1UL << BitOperations.TrailingZeroCount(PageSizes);
        for (var i = 0; i < pages.Length; i++)
        {
            var status = Map(iova + ((ulong)i * page), pages[i], page, protection, ref gather);
            if (status == Status.Ok)
                continue;
            if (i != 0)
                Unmap(iova, (ulong)i * page, ref gather, out _);
            return status;
        }

        return Status.Ok;
    }

    /// <summary>How many bytes of device addresses one table of the smallest pages covers: behind a page that is mapped there, one that was
    /// not finds its table. 0 where that is not known.</summary>
    internal ulong TableSpan { get; private protected init; }

    /// <summary>The last address in memory that can be mapped, where <see cref="TableSpan"/> is known.</summary>
    internal ulong LastPhysical { get; private protected init; } = ulong.MaxValue;

    /// <summary>Removes mappings from <paramref name="iova"/> on, up to <paramref name="size"/> bytes or the first hole, without
    /// telling the units: what was removed is added to <paramref name="gather"/>, and <see cref="Commit"/> must follow before
    /// the memory behind it is used for anything else.</summary>
    /// <param name="iova">A multiple of the smallest page size.</param>
    /// <param name="size">Bytes, a multiple of the smallest page size.</param>
    /// <param name="gather">Collects what to invalidate.</param>
    /// <param name="unmapped">Exactly the bytes removed.</param>
    /// <returns><see cref="Status.Ok"/> also when a hole ended it; <see cref="Status.InvalidArgument"/> misaligned or not a paging domain;
    /// <see cref="Status.NoMemory"/> when a large page could not be split.</returns>
    public virtual Status Unmap(Iova iova, ulong size, ref InvalidationGather gather, out ulong unmapped)
    {
        unmapped = 0;
        return Status.InvalidArgument;
    }

    /// <summary>Tells every unit what was gathered, then gives freed tables back. The gather is empty afterwards.</summary>
    /// <returns><see cref="Status.Ok"/>: no access uses a removed translation from now on. Anything else: a unit failed, which was reported
    /// by name (<see cref="IommuCore.UnitFailed"/>); ranges and tables are in quarantine until it was programmed afresh, and the memory
    /// behind them must not be used for anything else before (<see cref="WhenInvalidated"/>).</returns>
    public virtual Status Commit(ref InvalidationGather gather)
    {
        gather = default;
        return Status.Ok;
    }

    /// <summary>Removes mappings and commits.</summary>
    /// <returns>Exactly the bytes removed; no access reaches them any more.</returns>
    /// <exception cref="ApertureException">A unit could not be told, as for <see cref="Commit"/>: the bytes are removed from the tables,
    /// but masters behind that unit may still reach them.</exception>
    public ulong Unmap(Iova iova, ulong size)
    {
        var gather = new InvalidationGather();
        Unmap(iova, size, ref gather, out var unmapped);
        var status = Commit(ref gather);
        return status == Status.Ok ? unmapped : throw NotInvalidated(iova, unmapped, status);
    }

    /// <summary>An unmap that a unit could not be told of.</summary>
    internal static ApertureException NotInvalidated(Iova iova, ulong bytes, Status status) => new(
        status,
        $"0x{bytes:x} bytes at device address {iova} were unmapped, but a unit could not be told ({status}): the memory must not be used "
        + "for anything else before it was programmed afresh");

    /// <summary>Where a device address leads by the tables.</summary>
    public virtual bool TryTranslate(Iova iova, out PhysicalAddress address)
    {
        address = new PhysicalAddress(iova.Value);
        return Type == DomainType.Identity;
    }

    /// <summary>What stands behind a failed map and what to do about it, for messages; null when there is no more to say than the status
    /// does.</summary>
    public virtual string? Explain(Status status) => null;

    /// <summary>Gives a fault to whoever handles this domain's faults.</summary>
    public FaultResponse Report(in FaultReport report) => FaultHandler?.Invoke(report) ?? FaultResponse.Unhandled;

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the tables back, as soon as no unit can walk them any more.</summary>
    /// <exception cref="ApertureException">The domain is still in force on a unit.</exception>
    protected virtual void Dispose(bool disposing)
    {
        if (Units.FirstOrDefault() is { } unit)
            throw new ApertureException(Status.Busy, $"a domain cannot go while it is in force on {unit.Name}");
        if (!disposing)
            return;
        Queue?.Dispose();
        Space = null; // nothing is given out any more, and its figures end
        lock (this)
            _doorbells = null; // who has one still finds nothing to unmap in tables that are somebody else's by then
    }

    /// <summary>Keeps the DMA API from giving out device addresses that the domain cannot map any more.</summary>
    protected void NarrowSpace()
    {
        if (Space is { } space)
            Reserve(space);
    }

    /// <summary>Reserves what the domain cannot map, or must not give out.</summary>
    internal void Reserve(IovaSpace space)
    {
        space.ReserveOutside([.. Windows.Select(window => (window.First, window.Last))]);
        foreach (var (first, last) in ReservedRanges)
            space.Reserve(first, last.Value - first.Value + 1);
        foreach (var reservation in Reservations)
            Reserve(space, reservation);
    }
}
