using Aperture.Core;

namespace Aperture.Iommu;

// What its members keep of the device addresses.
public sealed partial class IommuGroup
{
    /// <summary>Device addresses that are not to be given out to any master of the group: what firmware says of all members, bound or not,
    /// and units of those that are behind them. Lowest first; those of one kind and one protection that overlap or touch are one.</summary>
    public IReadOnlyList<IovaReservation> Reservations
    {
        get
        {
            var all = _members.SelectMany(member => member.Identity.Reservations)
                .Concat(Masters.SelectMany(master => master.Ports.SelectMany(port => port.Unit.ReservationsOf(master.Device))))
                .OrderBy(reservation => (reservation.Kind, reservation.Protection, reservation.First.Value));
            var merged = new List<IovaReservation>();
            foreach (var next in all)
            {
                if (merged is [.., var last] && last.Kind == next.Kind && last.Protection == next.Protection
                    && (last.Last.Value == ulong.MaxValue || next.First.Value <= last.Last.Value + 1))
                {
                    merged[^1] = last with { Last = new Iova(Math.Max(last.Last.Value, next.Last.Value)) };
                }
                else
                {
                    merged.Add(next);
                }
            }

            merged.Sort((one, other) => (one.First.Value, one.Kind).CompareTo((other.First.Value, other.Kind)));
            return merged;
        }
    }

    /// <summary>Makes a domain fit for the group before any of it is translated there: a unit that cannot tell members apart would cut off
    /// one that firmware left running, whoever of them is bound.</summary>
    private void Prepare(IommuDomain domain, IommuMaster? joining = null)
    {
        if (domain.Type is not (DomainType.Dma or DomainType.DmaDeferred))
            return;
        try
        {
            foreach (var reservation in Reservations)
                domain.Keep(reservation);
            foreach (var port in joining?.Ports ?? [])
            {
                foreach (var reservation in port.Unit.ReservationsOf(joining!.Device))
                    domain.Keep(reservation);
            }
        }
        catch (ApertureException e)
        {
            var names = string.Join(", ", Members.Select(member => member.Name));
            throw new ApertureException(e.Status, $"group {Id} ({names}): {e.Message}", e);
        }
    }
}
