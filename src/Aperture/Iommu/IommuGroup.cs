using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>Masters that cannot be told apart and therefore share an address space.</summary>
public sealed class IommuGroup
{
    private readonly Lock _lock = new();                  // held while the group changes its domain, its owner or its masters
    private readonly List<IommuMaster> _masters = [];     // in order of arrival
    private readonly IommuCore _core;                     // whose static domains and trace the group uses
    private IommuDomain? _blocked;                        // where the group waits while somebody owns it; made on first use
    private object? _owner;                               // who keeps kernel drivers out; null while they may use the default domain
    private int _owners;                                  // claims of the owner, or drivers that use the default domain

    internal IommuGroup(int id, object? key, IommuCore core)
    {
        Id = id;
        Key = key;
        _core = core;
    }

    /// <summary>The group's number, lowest free first.</summary>
    public int Id { get; }

    /// <summary>The masters.</summary>
    public IReadOnlyList<IommuMaster> Masters => _masters;

    /// <summary>The address space that the core made for the group.</summary>
    public IommuDomain? DefaultDomain { get; internal set; }

    /// <summary>The address space in force.</summary>
    public IommuDomain? Domain { get; private set; }

    /// <summary>Whether somebody owns the group or drivers use its default domain.</summary>
    public bool IsClaimed => _owners > 0;

    /// <summary>What tells this group from others, or null for the group of a single master.</summary>
    internal object? Key { get; }

    /// <summary>Puts all masters into <paramref name="domain"/>. The group must be in its default or blocked domain.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: another domain is in force; <see cref="Status.InvalidArgument"/>: the domain is for
    /// another kind of unit; or what the unit's driver reported. The group is where it was then.</exception>
    public void Attach(IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        lock (_lock)
        {
            if (Domain is not null && Domain != DefaultDomain && Domain != _blocked)
                throw new ApertureException(Status.Busy, $"group {Id} is in another domain already; detach that one or replace it");
            Switch(domain);
        }
    }

    /// <summary>Puts all masters from whatever domain they are in into <paramref name="domain"/>.</summary>
    /// <exception cref="ApertureException">As for <see cref="Attach"/>, but never <see cref="Status.Busy"/>.</exception>
    public void Replace(IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        lock (_lock)
            Switch(domain);
    }

    /// <summary>Takes all masters out of <paramref name="domain"/>: into the blocked domain when somebody owns the group, else
    /// back into the default domain (where DMA works again).</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the group is not in that domain; or what the unit's driver reported.</exception>
    public void Detach(IommuDomain domain)
    {
        lock (_lock)
        {
            if (Domain != domain)
                throw new ApertureException(Status.InvalidArgument, $"group {Id} is not in the domain that it should leave");
            Switch(CoreDomain());
        }
    }

    /// <summary>Takes the group for an owner that manages its DMA (a hypervisor, a user-space driver). All masters are blocked
    /// until the owner attaches a domain.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotPermitted"/>: drivers use the group or somebody else owns it;
    /// <see cref="Status.Busy"/>: a domain is in force that the core did not make.</exception>
    public void Claim(object owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        lock (_lock)
        {
            if (_owners > 0)
            {
                if (!ReferenceEquals(_owner, owner))
                    throw new ApertureException(Status.NotPermitted, $"group {Id} is in use by {(_owner is null ? "a driver" : "another owner")}");
                _owners++;
                return;
            }

            if (Domain is not null && Domain != DefaultDomain)
                throw new ApertureException(Status.Busy, $"group {Id} is in a domain that the core did not make");
            Switch(BlockedDomain());
            _owner = owner;
            _owners = 1;
        }
    }

    /// <summary>Gives up one claim. With the last one the group goes back into its default domain.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: <paramref name="owner"/> does not own the group.</exception>
    public void Release(object owner)
    {
        lock (_lock)
        {
            if (_owner is null || !ReferenceEquals(_owner, owner))
                throw new ApertureException(Status.InvalidArgument, $"group {Id} is not owned by who wants to release it");
            if (--_owners > 0)
                return;
            _owner = null;
            Switch(CoreDomain());
        }
    }

    /// <summary>Counts in a driver that does DMA through the default domain.</summary>
    internal void UseDefaultDomain()
    {
        lock (_lock)
        {
            if (_owner is not null || (_owners > 0 && Domain != DefaultDomain))
                throw new ApertureException(Status.Busy, $"group {Id} is owned by somebody who keeps drivers out");
            _owners++;
        }
    }

    /// <summary>Counts such a driver out.</summary>
    internal void UnuseDefaultDomain()
    {
        lock (_lock)
            _owners--;
    }

    /// <summary>Takes a master in and puts it where the others are.</summary>
    internal void Add(IommuMaster master)
    {
        lock (_lock)
        {
            if (Domain is not null)
            {
                var status = AttachMaster(master, Domain, null);
                if (status != Status.Ok)
                    throw Failure(master, status);
            }

            _masters.Add(master);
            _core.Trace?.AddDeviceToGroup(Id, master.Device.Name);
        }
    }

    /// <summary>Lets a master go: it ends in identity where its units can do that, else in a blocked domain.</summary>
    internal void Remove(IommuMaster master)
    {
        lock (_lock)
        {
            if (Domain is { } domain)
            {
                foreach (var port in master.Ports)
                {
                    port.Unit.Attach(master.Device, port.Streams, port.Unit.Capabilities.CanBypass ? _core.Identity : BlockedDomain());
                    domain.RemoveUse(port.Unit);
                }
            }

            _masters.Remove(master);
            _core.Trace?.RemoveDeviceFromGroup(Id, master.Device.Name);
            if (_masters.Count > 0)
                return;
            Domain = null;
            if (DefaultDomain is { IsPaging: true })
                DefaultDomain.Dispose();
            DefaultDomain = null;
            _blocked?.Dispose();
            _blocked = null;
        }
    }

    private IommuDomain CoreDomain() => _owner is not null ? BlockedDomain() : DefaultDomain ?? BlockedDomain();

    /// <summary>Where nothing passes: the units' own way to block, or an empty address space.</summary>
    private IommuDomain BlockedDomain()
    {
        if (_masters.All(master => master.Ports.All(port => port.Unit.Capabilities.CanBlock)))
            return _core.Blocked;
        return _blocked ??= _masters[0].Ports[0].Unit.CreateDomain(DomainType.Unmanaged);
    }

    private void Switch(IommuDomain domain)
    {
        if (Domain == domain)
            return;
        var previous = Domain;
        for (var i = 0; i < _masters.Count; i++)
        {
            var status = AttachMaster(_masters[i], domain, previous);
            if (status == Status.Ok)
                continue;

            // Those that made it go back. What held before must hold again; a driver that cannot do that leaves its master blocked.
            while (--i >= 0)
                AttachMaster(_masters[i], previous ?? BlockedDomain(), domain);
            throw Failure(_masters[0], status);
        }

        Domain = domain;
    }

    /// <summary>Switches one master on all of its units, or on none.</summary>
    private Status AttachMaster(IommuMaster master, IommuDomain domain, IommuDomain? previous)
    {
        for (var i = 0; i < master.Ports.Count; i++)
        {
            var port = master.Ports[i];
            domain.AddUse(port.Unit);
            var status = Usable(port.Unit, domain) ? port.Unit.Attach(master.Device, port.Streams, domain) : Status.NotSupported;
            if (status == Status.Ok)
            {
                previous?.RemoveUse(port.Unit);
                continue;
            }

            domain.RemoveUse(port.Unit);
            for (var back = i; back >= 0 && previous is not null; back--)
            {
                var done = master.Ports[back];
                if (back < i)
                {
                    previous.AddUse(done.Unit);
                    domain.RemoveUse(done.Unit);
                }

                done.Unit.Attach(master.Device, done.Streams, previous);
            }

            return status;
        }

        _core.Trace?.AttachDeviceToDomain(master.Device.Name);
        return Status.Ok;
    }

    private static bool Usable(IommuUnit unit, IommuDomain domain) => domain.Type switch
    {
        DomainType.Identity => unit.Capabilities.CanBypass,
        DomainType.Blocked => unit.Capabilities.CanBlock,
        _ => true,
    };

    private ApertureException Failure(IommuMaster master, Status status) =>
        new(status, $"group {Id} ({master.Device.Name}) could not be attached behind {string.Join(", ", master.Ports.Select(port => port.Unit.Name))}: {status}");
}
