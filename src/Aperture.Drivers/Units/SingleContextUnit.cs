using System.Runtime.ExceptionServices;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Units;

/// <summary>A unit that translates for its master, or for masters it cannot tell apart, by one table at a time. It keeps which
/// domain is in force through power cycles and lost registers; a driver adds the register sequences.</summary>
public abstract class SingleContextUnit : ProgrammedUnit
{
    private readonly List<Device> _masters = []; // the masters in Domain
    private bool _isOther;                       // Domain is not the one that was in force when the unit was suspended

    /// <summary>A unit that belongs to a device.</summary>
    protected SingleContextUnit(Device device, IommuCore core)
        : base(device, core)
    {
    }

    /// <summary>The paging domain in force, or null while addresses pass unchanged (or nothing passes, where the unit cannot let
    /// them).</summary>
    protected IommuDomain? Domain { get; private set; }

    /// <summary>All masters of a unit are one group.</summary>
    public sealed override MasterGrouping Grouping => MasterGrouping.ByUnit;

    /// <inheritdoc/>
    public sealed override Status Attach(in Attachment attachment)
    {
        var (master, domain) = (attachment.Master, attachment.Domain);
        ArgumentNullException.ThrowIfNull(master);
        ArgumentNullException.ThrowIfNull(domain);
        Status status;
        Exception? error;
        using (Registers.Hold())
        {
            if (domain.IsPaging)
            {
                if (!Accepts(domain))
                    return Status.InvalidArgument;
                if (!_masters.Contains(master))
                    _masters.Add(master);
            }
            else
            {
                // While another master is left in the domain the unit goes on translating for both.
                _masters.Remove(master);
                if (_masters.Count > 0)
                    return Status.Ok;
            }

            status = Switch(domain.IsPaging ? domain : null, out error);
        }

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
        {
            if (!_masters.Remove(master) || _masters.Count > 0)
                return Status.Ok;
            status = Switch(null, out error);
        }

        Tell(UnitOperation.Attach, error, status);
        return status;
    }

    /// <summary>Brings a domain into force from any state of the registers. Afterwards nothing of an earlier domain is left.</summary>
    /// <param name="domain">The domain; <see cref="IommuUnit.Accepts"/> took it.</param>
    /// <param name="isResuming">Whether it is the same domain that was in force when the unit was suspended.</param>
    protected abstract void Start(IommuDomain domain, bool isResuming);

    /// <summary>Lets addresses pass unchanged.</summary>
    /// <param name="isSuspending">Whether the domain comes back with the next <see cref="Start"/>.</param>
    protected abstract void Stop(bool isSuspending);

    /// <summary>Makes the unit drop what was gathered; it can be accessed and the domain is in force.</summary>
    protected abstract void Flush(in InvalidationGather gather);

    /// <summary>Something was removed from the domain in force while the unit was not active.</summary>
    protected virtual void MissInvalidation(in InvalidationGather gather)
    {
    }

    /// <inheritdoc/>
    protected sealed override void Flush(InvalidationTarget target, in InvalidationGather gather)
    {
        // On its way in or out: coming into force drops everything.
        if (ReferenceEquals(target.Domain, Domain))
            Flush(gather);
    }

    /// <inheritdoc/>
    protected sealed override void MissInvalidation(InvalidationTarget target, in InvalidationGather gather)
    {
        if (ReferenceEquals(target.Domain, Domain))
            MissInvalidation(gather);
    }

    /// <inheritdoc/>
    protected sealed override void Program()
    {
        if (Domain is { } domain)
            Start(domain, isResuming: false);
        else
            Stop(isSuspending: false);
    }

    /// <inheritdoc/>
    protected sealed override void Resume()
    {
        if (NeedsReprogram || (_isOther && Domain is null))
            Program();
        else if (Domain is { } domain)
            Start(domain, isResuming: !_isOther);
        _isOther = false;
    }

    /// <inheritdoc/>
    protected sealed override void Suspend()
    {
        if (Domain is not null)
            Stop(isSuspending: true);
    }

    /// <summary>Reports a fault in the domain in force. Call it without the lock: a handler may map and unmap.</summary>
    protected FaultResponse Report(IommuDomain? domain, int context, uint address, FaultAccess access, FaultReason reason, uint code)
    {
        Device? master;
        using (Registers.Hold())
            master = _masters.Count == 1 ? _masters[0] : null;
        return Core.Report(domain, new FaultReport(this, master, context, new Iova(address), access, reason, code));
    }

    private Status Switch(IommuDomain? domain, out Exception? error)
    {
        error = null;
        if (ReferenceEquals(domain, Domain) && !NeedsReprogram)
            return Status.Ok;
        // The books hold whatever the registers do: a domain that was left may be gone by the time when the unit answers again, and a
        // caller who wants the old one back says so.
        _isOther |= !IsActive && !ReferenceEquals(domain, Domain); // nothing that was saved is of use to another domain
        Domain = domain;
        return Follow(Program, out error);
    }
}
