using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>Masters that cannot be told apart and therefore share an address space.</summary>
public sealed partial class IommuGroup
{
    private readonly Lock _lock = new();      // held while the group changes its domain, its owner or its masters
    private readonly IommuCore _core;         // whose static domains and trace the group uses
    private IommuMaster[] _masters = [];      // in order of arrival; replaced whole
    private DescribedMaster[] _members = [];  // in order of description; replaced whole, by the core
    private IommuDomain? _blocked;            // where nothing passes behind units that need a table for that; made on first use

    internal IommuGroup(int id, IommuCore core)
    {
        Id = id;
        _core = core;
    }

    /// <summary>The group's number, lowest free first.</summary>
    public int Id { get; }

    /// <summary>All devices of the group, bound or not, in the order in which they were described.</summary>
    public IReadOnlyList<Device> Members => [.. Volatile.Read(ref _members).Select(member => member.Device)];

    /// <summary>The masters that are behind their units now.</summary>
    public IReadOnlyList<IommuMaster> Masters => Volatile.Read(ref _masters);

    /// <summary>The address space that the core made for the group; null while only drivers that manage their own were bound.</summary>
    public IommuDomain? DefaultDomain { get; private set; }

    /// <summary>The address space in force; null while nothing was attached yet.</summary>
    public IommuDomain? Domain { get; private set; }

    /// <summary>Puts all masters into <paramref name="domain"/>. The group must be in its default or blocked domain, or in none.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: another domain is in force; <see cref="Status.InvalidArgument"/>: the
    /// domain is for another kind of unit; <see cref="Status.NotSupported"/>: a unit cannot block or bypass; or what a unit's driver
    /// reported. The group is where it was then.</exception>
    public void Attach(IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        lock (_lock)
        {
            if (!IsCores(Domain))
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

    /// <summary>Takes all masters out of <paramref name="domain"/>: into the blocked domain when somebody owns the group or there is no
    /// default domain, else back into the default domain (where DMA works again).</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the group is not in that domain. Anything else was
    /// reported by a unit's driver: the group has left the domain all the same. The masters behind that unit reach nothing before it was
    /// programmed afresh; a unit that has no place for where they go leaves them blocked.</exception>
    public void Detach(IommuDomain domain)
    {
        lock (_lock)
        {
            if (domain is null || Domain != domain)
                throw new ApertureException(Status.InvalidArgument, $"group {Id} is not in the domain that it should leave");
            MustSwitch(CoreDomain());
        }
    }

    /// <summary>Says who its members are; the core does.</summary>
    internal void SetMembers(DescribedMaster[] members) => Volatile.Write(ref _members, members);

    /// <summary>Makes the default domain, if there is none yet, and puts the group into it unless somebody else's domain is in
    /// force.</summary>
    internal void EnsureDefaultDomain()
    {
        lock (_lock)
        {
            DefaultDomain ??= MakeDefaultDomain();
            Prepare(DefaultDomain);
            if (IsCores(Domain) && _owner is null)
                Switch(DefaultDomain);
        }
    }

    private IommuDomain MakeDefaultDomain()
    {
        // A unit that cannot let addresses through gets a table although identity was asked for.
        var canBypass = _masters.All(master => master.Ports.All(port => port.Unit.Capabilities.CanBypass));
        if (_core.DefaultDomainType == DomainType.Identity && canBypass)
            return _core.Identity;
        var type = _core.DefaultDomainType == DomainType.DmaDeferred ? DomainType.DmaDeferred : DomainType.Dma;
        return _masters[0].CreateDomain(new DomainRequest(type));
    }

    private bool IsCores(IommuDomain? domain) => domain is null || domain == DefaultDomain || domain == _blocked || domain == _core.Blocked;

    private IommuDomain CoreDomain() => _owner is not null ? BlockedDomain() : DefaultDomain ?? BlockedDomain();

    /// <summary>Where nothing passes: the units' own way to block, or an empty address space.</summary>
    private IommuDomain BlockedDomain()
    {
        if (_masters.All(master => master.Ports.All(port => port.Unit.Capabilities.CanBlock)))
            return _core.Blocked;
        return _blocked ??= _masters[0].CreateDomain(new DomainRequest(DomainType.Unmanaged));
    }
}
