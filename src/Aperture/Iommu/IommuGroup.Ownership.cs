using Aperture.Core;

namespace Aperture.Iommu;

// Who may use the group: drivers through the default domain, or one owner.
public sealed partial class IommuGroup
{
    private object? _owner; // who keeps drivers out; null while they may use the default domain
    private int _owners;    // claims of the owner, or drivers that use the default domain

    /// <summary>Whether somebody owns the group or drivers use its default domain.</summary>
    public bool IsClaimed => _owners > 0;

    /// <summary>Whether it has an owner and nobody else: its masters' drivers let go, and none may come back before the owner
    /// goes.</summary>
    internal bool IsHeldForOwner => Volatile.Read(ref _owner) is not null && Masters.Count == 0;

    /// <summary>Takes the group for an owner that manages its DMA (a hypervisor, a user-space driver). All masters are blocked
    /// until the owner attaches a domain. Claims of the same owner are counted.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotPermitted"/>: drivers use the group or somebody else owns it, or its
    /// firmware uses device addresses all the time (<see cref="ReservationKind.Direct"/>); <see cref="Status.Busy"/>: a domain is in force
    /// that the core did not make; <see cref="Status.NoDevice"/>: the group has no masters; or a unit's driver could not block.</exception>
    public void Claim(object owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        lock (_lock)
        {
            if (_owners > 0)
            {
                if (!ReferenceEquals(_owner, owner))
                {
                    throw new ApertureException(
                        Status.NotPermitted,
                        $"group {Id} is in use by {(_owner is null ? "a driver" : "another owner")}");
                }

                _owners++;
                return;
            }

            if (_masters.Length == 0)
                throw new ApertureException(Status.NoDevice, $"group {Id} has no masters any more");
            if (!IsCores(Domain))
                throw new ApertureException(Status.Busy, $"group {Id} is in a domain that the core did not make");
            if (_pasids.Count > 0)
                throw new ApertureException(Status.Busy, $"group {Id} has processes in address spaces of their own");
            foreach (var kept in Reservations.Where(reservation => reservation.Kind == ReservationKind.Direct))
            {
                throw new ApertureException(
                    Status.NotPermitted,
                    $"group {Id} cannot be given away: its firmware uses device addresses {kept.First} to {kept.Last} for good");
            }

            Switch(BlockedDomain());
            _owner = owner;
            _owners = 1;
            AssertInvariants();
        }
    }

    /// <summary>Gives up one claim. With the last one the group goes back into its default domain.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: <paramref name="owner"/> does not own the group. Anything
    /// else was reported by a unit's driver, as for <see cref="Detach"/>; the claim is gone all the same.</exception>
    public void Release(object owner)
    {
        lock (_lock)
        {
            if (_owner is null || !ReferenceEquals(_owner, owner))
                throw new ApertureException(Status.InvalidArgument, $"group {Id} is not owned by who wants to release it");
            if (--_owners > 0)
                return;
            _owner = null;
            _core.OwnerGone();
            if (_masters.Length > 0)
                MustSwitch(CoreDomain());
        }
    }

    /// <summary>Counts in a driver that does DMA through the default domain.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: the group has an owner, is in another domain, or another driver has
    /// put processes into address spaces.</exception>
    internal void UseDefaultDomain()
    {
        lock (_lock)
        {
            if (_owner is not null)
                throw new ApertureException(Status.Busy, $"group {Id} is owned by somebody who keeps drivers out");
            if (DefaultDomain is null || Domain != DefaultDomain)
                throw new ApertureException(Status.Busy, $"group {Id} is in a domain of its own, not in its default domain");
            if (_owners > 0 && _pasids.Count > 0)
            {
                throw new ApertureException(
                    Status.Busy, $"group {Id} has processes in address spaces of their own, which are another driver's");
            }

            _owners++;
        }
    }

    /// <summary>Counts such a driver out.</summary>
    internal void UnuseDefaultDomain()
    {
        lock (_lock)
        {
            if (_owner is not null || _owners == 0)
                throw new ApertureException(Status.InvalidArgument, $"no driver uses the default domain of group {Id}");
            _owners--;
        }
    }
}
