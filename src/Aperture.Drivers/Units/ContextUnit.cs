using System.Runtime.ExceptionServices;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Units;

/// <summary>A unit that translates for several masters by several tables at once. It keeps which master is in which domain through power
/// cycles and lost registers; a driver adds what a context is, and the register sequences.</summary>
public abstract class ContextUnit : ProgrammedUnit
{
    private readonly List<UnitAttachment> _attachments = []; // who moved last is last

    /// <summary>A unit that belongs to a device.</summary>
    protected ContextUnit(Device device, IommuCore core)
        : base(device, core)
    {
    }

    /// <summary>The masters in domains, but for those in the one where a master is that takes no context (<see cref="Unattached"/>); who
    /// moved last is last.</summary>
    protected IReadOnlyList<UnitAttachment> Attachments => _attachments;

    /// <summary>Where masters are that have no attachment: <see cref="DomainType.Identity"/> on a unit that lets their addresses pass,
    /// <see cref="DomainType.Blocked"/> on one that refuses them. A domain of the other of these types needs a context like any other, if
    /// the driver <see cref="Accepts"/> it.</summary>
    protected abstract DomainType Unattached { get; }

    /// <inheritdoc/>
    public sealed override Status Attach(in Attachment attachment)
    {
        var (master, domain) = (attachment.Master, attachment.Domain);
        ArgumentNullException.ThrowIfNull(master);
        ArgumentNullException.ThrowIfNull(domain);
        var isLeaving = domain.Type == Unattached;
        if (!isLeaving && !Accepts(domain))
            return Status.InvalidArgument;
        Status status;
        Exception? error;
        var next = isLeaving ? null : new UnitAttachment(master, attachment.Streams, domain);
        using (Registers.Hold())
            status = Switch(Find(master), next, out error);
        Tell(UnitOperation.Attach, error, status);
        if (status != Status.Ok && error is ApertureException)
            ExceptionDispatchInfo.Throw(error); // the core tells the caller what the unit's driver said
        return status;
    }

    /// <inheritdoc/>
    public override Status RemoveMaster(Device master)
    {
        Status status;
        Exception? error;
        using (Registers.Hold())
            status = Switch(Find(master), null, out error);
        Tell(UnitOperation.Attach, error, status);
        return status;
    }

    /// <summary>Whether masters of this unit can be in the domain: its tables are of the unit's kind, or it is one without tables for which
    /// the unit has a context.</summary>
    public abstract override bool Accepts(IommuDomain domain);

    /// <summary>Finds a context for an attachment that is about to be; no register is touched.</summary>
    /// <param name="next">The attachment.</param>
    /// <param name="previous">The same master's attachment that it takes the place of, or null. It still holds.</param>
    /// <returns><see cref="Status.NoSpace"/> when no context is left; nothing was taken then.</returns>
    protected abstract Status Reserve(UnitAttachment next, UnitAttachment? previous);

    /// <summary>Gives back what <see cref="Reserve"/> took for an attachment that is not in <see cref="Attachments"/> any more.</summary>
    protected abstract void Release(UnitAttachment attachment);

    /// <summary>Follows one change of the attachments, which hold already. Afterwards nothing of what was before is left.</summary>
    /// <param name="previous">What ended, or null.</param>
    /// <param name="next">What took its place, or null.</param>
    protected abstract void Move(UnitAttachment? previous, UnitAttachment? next);

    private UnitAttachment? Find(Device master) => _attachments.Find(attachment => attachment.Master == master);

    private Status Switch(UnitAttachment? previous, UnitAttachment? next, out Exception? error)
    {
        error = null;
        if (ReferenceEquals(previous?.Domain, next?.Domain) && !NeedsReprogram)
            return Status.Ok;
        var status = next is null ? Status.Ok : Reserve(next, previous);
        if (status != Status.Ok)
            return status;

        // The books hold whatever the registers do: a domain that was left may be gone by the time when the unit answers again, and a
        // caller who wants the old one back says so.
        if (previous is not null)
            _attachments.Remove(previous);
        if (next is not null)
            _attachments.Add(next);
        status = Follow(() => Move(previous, next), out error);
        if (previous is not null)
            Release(previous);
        return status;
    }
}
