using System.Numerics;
using Aperture.Core;
using Aperture.Core.Addresses;

namespace Aperture.Iommu;

// What its masters keep of a domain that the DMA API uses.
public abstract partial class IommuDomain
{
    private IovaReservation[] _reservations = []; // replaced whole; changed under the domain's own lock

    /// <summary>What is kept for the masters of a group whose default domain this is: direct ones are mapped, and nothing of any is given
    /// out.</summary>
    public IReadOnlyList<IovaReservation> Reservations => Volatile.Read(ref _reservations);

    /// <summary>Keeps device addresses for good. Direct ones lead to the same physical addresses afterwards, where the domain has tables:
    /// whole pages, so that what lies beside a region within its first or last page is reached as well.</summary>
    /// <exception cref="ApertureException">A direct one could not be mapped; the message names it. <see cref="Status.AlreadyExists"/>: its
    /// addresses lead elsewhere already.</exception>
    internal void Keep(in IovaReservation reservation)
    {
        lock (this)
        {
            if (_reservations.Contains(reservation))
                return;
            if (reservation.IsDirect && IsPaging)
                MapDirect(reservation);
            Volatile.Write(ref _reservations, [.. _reservations, reservation]);
            if (Space is { } space)
                Reserve(space, reservation);
        }
    }

    private static void Reserve(IovaSpace space, in IovaReservation reservation)
    {
        if (reservation.Kind != ReservationKind.SoftwareMsi)
            space.Reserve(reservation.First, reservation.Last.Value - reservation.First.Value + 1);
    }

    private void MapDirect(in IovaReservation reservation)
    {
        var page = 1UL << BitOperations.TrailingZeroCount(PageSizes);
        var last = reservation.Last.Value | (page - 1);
        for (var at = reservation.First.Value & ~(page - 1); ;)
        {
            // The longest run of pages that lead nowhere yet; one region may share its first page with another one.
            var end = at;
            while (end <= last && !TryTranslate(new Iova(end), out _))
            {
                end += page;
                if (end == 0)
                    break; // the last page of a 64-bit space
            }

            if (end != at && Map(new Iova(at), new PhysicalAddress(at), end - at, reservation.Protection) is not Status.Ok and var status)
                throw Refused(reservation, status);
            if (end == 0 || end > last)
                return;
            if (TryTranslate(new Iova(end), out var leadsTo) && leadsTo.Value != end)
                throw Refused(reservation, Status.AlreadyExists);
            at = end + page;
            if (at == 0 || at > last)
                return;
        }
    }

    private static ApertureException Refused(in IovaReservation reservation, Status status) => new(
        status,
        $"device addresses {reservation.First} to {reservation.Last}, which are in use already, cannot be mapped to themselves: {status}");
}
