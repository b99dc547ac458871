using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>The software side of one IOMMU: what its driver gives to the core. The core calls <see cref="Attach"/> for one
/// master at a time under the group's lock; <see cref="Invalidate"/> may come from any thread at any time.</summary>
public abstract partial class IommuUnit
{
    /// <summary>A unit that belongs to a device.</summary>
    protected IommuUnit(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Device = device;
    }

    /// <summary>The unit's own device: its registers, power and interrupts.</summary>
    public Device Device { get; }

    /// <summary>The unit's name.</summary>
    public string Name => Device.Name;

    /// <summary>What the unit can do.</summary>
    public abstract IommuCapabilities Capabilities { get; }

    /// <summary>Number of cells that follow a reference to this unit.</summary>
    public virtual int SpecifierCells => 0;

    /// <summary>Translates the cells of an <c>iommus</c> entry into the stream that the unit knows.</summary>
    /// <returns><see cref="Status.InvalidArgument"/> for a wrong number of cells, <see cref="Status.OutOfRange"/> for an id that the unit
    /// does not have.</returns>
    public virtual Status Translate(ReadOnlySpan<uint> cells, out StreamId stream)
    {
        stream = default;
        return cells.Length == SpecifierCells ? Status.Ok : Status.InvalidArgument;
    }

    /// <summary>Which masters the unit cannot tell apart. The driver tells the same before a unit is probed
    /// (<see cref="IIommuDriver.GroupingOf"/>).</summary>
    public virtual MasterGrouping Grouping => MasterGrouping.ByReference;

    /// <summary>Device addresses that a master cannot use behind this unit, or must keep: a window of message-signalled interrupts, for
    /// example.</summary>
    public virtual IEnumerable<IovaReservation> ReservationsOf(Device master) => [];

    /// <summary>Called once when a master has been described completely, before it is attached to anything: the place for limits of its
    /// own. The core has made the unit's device a supplier of the master's already.</summary>
    public virtual void AddMaster(Device master)
    {
    }

    /// <summary>Called once when a master goes. It was put into the blocked or the identity domain before; a unit that can do neither
    /// without a table lets go of the master's domain here.</summary>
    /// <returns>Anything but <see cref="Status.Ok"/>: the hardware may not have noticed, and its driver has done as for
    /// <see cref="Invalidate"/>. The master is out all the same.</returns>
    public virtual Status RemoveMaster(Device master) => Status.Ok;

    /// <summary>Makes an empty address space of a type, with everything else as the unit has it.</summary>
    /// <param name="type"><see cref="DomainType.Unmanaged"/>, <see cref="DomainType.Dma"/> or <see cref="DomainType.DmaDeferred"/>.</param>
    /// <exception cref="ApertureException">As for <see cref="CreateDomain(in DomainRequest)"/>.</exception>
    public IommuDomain CreateDomain(DomainType type) => CreateDomain(new DomainRequest(type));

    /// <summary>Makes an address space that this unit, and others that <see cref="Accepts"/> it, can use.</summary>
    /// <param name="request">What it has to be.</param>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>, <see cref="Status.OutOfRange"/>: the unit lacks what is asked
    /// for; the message names both. <see cref="Status.InvalidArgument"/>: the request contradicts itself; <see cref="Status.NoMemory"/>: no
    /// memory for tables.</exception>
    public IommuDomain CreateDomain(in DomainRequest request)
    {
        var status = request.Check(Capabilities, out var why);
        return status == Status.Ok
            ? MakeDomain(request)
            : throw new ApertureException(status, $"IOMMU {Name} cannot make this domain: {why}");
    }

    /// <summary>Whether masters of this unit can be in a domain with tables, whoever made it.</summary>
    public abstract bool Accepts(IommuDomain domain);

    /// <summary>Puts a master, or one of its processes, into an address space; it leaves the one it was in. Identity and blocked domains
    /// come here too when <see cref="Capabilities"/> say that the unit can do them, and processes when it has PASIDs; a domain with tables
    /// only when the unit <see cref="Accepts"/> it. When this fails the master is in no worse a place than blocked. When it fails because
    /// the hardware does (<see cref="NeedsReprogram"/>), the master is in the domain once the unit was programmed afresh.</summary>
    /// <param name="attachment">Who, and where to.</param>
    /// <returns><see cref="Status.InvalidArgument"/> when the domain is of another kind of unit; <see cref="Status.NoSpace"/> when no
    /// context is left; <see cref="Status.TimedOut"/> and others for dead hardware.</returns>
    public abstract Status Attach(in Attachment attachment);

    /// <summary>Passes the answer to a group of page requests on to the device. Called once for each group.</summary>
    /// <returns><see cref="Status.NotSupported"/>: the unit has no page requests; or how it failed.</returns>
    public virtual Status Respond(in PageResponse response) => Status.NotSupported;

    /// <summary>Begins or ends to keep account of what is written in a domain; from its return on every write is marked in the
    /// tables.</summary>
    /// <param name="target">The domain on this unit.</param>
    /// <param name="isOn">Whether account is kept.</param>
    /// <returns><see cref="Status.NotSupported"/>: the unit cannot; or how it failed.</returns>
    public virtual Status SetDirtyTracking(InvalidationTarget target, bool isOn) =>
        Capabilities.DirtyTracking ? Status.Ok : Status.NotSupported;

    /// <summary>Makes the unit drop what was gathered, for every master of this unit in the target's domain. When it says
    /// <see cref="Status.Ok"/>, no access uses a removed translation from then on, whatever happens to the unit later. A unit without power
    /// has nothing to drop: it comes back empty.</summary>
    /// <param name="target">The domain on this unit.</param>
    /// <param name="gather">What was removed.</param>
    /// <returns>Anything else: the unit may still use what was removed, and its driver has called <see cref="MarkForReprogram"/>, reported
    /// the failure, and cut the masters off if it can. What was removed stays in quarantine until <see cref="MarkReprogrammed"/>.</returns>
    public abstract Status Invalidate(InvalidationTarget target, in InvalidationGather gather);

    /// <summary>Makes a domain that <see cref="Capabilities"/> allow.</summary>
    /// <param name="request">What it has to be; what the unit does not have was refused before.</param>
    /// <exception cref="ApertureException">No memory for tables.</exception>
    protected abstract IommuDomain MakeDomain(in DomainRequest request);
}
