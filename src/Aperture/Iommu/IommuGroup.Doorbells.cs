using System.Numerics;
using Aperture.Core;

namespace Aperture.Iommu;

// Where masters write their message-signalled interrupts.
public sealed partial class IommuGroup
{
    /// <summary>Lets the masters of the group reach the doorbell of message-signalled interrupts in the domain that is in force now,
    /// whoever made it and whether it is for the DMA API or not: its page is mapped on demand, once for each domain. Nothing is mapped
    /// where addresses pass unchanged, where none pass (<see cref="DomainType.Blocked"/>), or where a unit takes such writes for interrupts
    /// (<see cref="ReservationKind.Msi"/>).</summary>
    /// <param name="doorbell">What the interrupt controller said that messages are written to.</param>
    /// <returns>How the masters reach it. Another domain needs it again.</returns>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: no unit keeps device addresses for doorbells
    /// (<see cref="ReservationKind.SoftwareMsi"/>), and the DMA API gives out none in the domain; <see cref="Status.NoSpace"/>: all that
    /// there are lead somewhere; or the page could not be mapped.</exception>
    public DoorbellMapping MapDoorbell(PhysicalAddress doorbell)
    {
        lock (_lock)
        {
            var kept = Reservations;
            var isTranslated = Domain is { IsPaging: true } && !kept.Any(reservation => reservation.Kind == ReservationKind.Msi
                && reservation.First.Value <= doorbell.Value && doorbell.Value <= reservation.Last.Value);
            if (!isTranslated)
                return new DoorbellMapping(new Iova(doorbell.Value), null, default);
            var page = doorbell.AlignDown(1UL << BitOperations.TrailingZeroCount(Domain!.PageSizes));
            var windows = kept.Where(reservation => reservation.Kind == ReservationKind.SoftwareMsi)
                .Select(reservation => (reservation.First, reservation.Last));
            var status = Domain.MapDoorbell(page, windows, out var iova);
            if (status == Status.Ok)
                return new DoorbellMapping(iova + (doorbell - page), Domain, page);
            var why = status switch
            {
                Status.NotSupported => ": no unit keeps device addresses for doorbells (SoftwareMsi)",
                Status.NoSpace => ": all device addresses for doorbells lead somewhere",
                _ => $": {status}",
            };
            throw new ApertureException(
                status, $"group {Id} cannot reach the doorbell at {doorbell} in its domain of type {Domain.Type}{why}");
        }
    }
}
