using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Units;

/// <summary>A unit that translates for its master, or for masters it cannot tell apart, by one table at a time. It keeps which
/// domain is in force through power cycles and lost registers; a driver adds the register sequences.</summary>
/// <remarks>Registers are touched only while the device is runtime-active, and only under one lock. What changes while it is
/// not takes effect when it becomes active.</remarks>
public abstract class SingleContextUnit : IommuUnit, IBoundDriver
{
    private readonly List<Device> _masters = []; // the masters in Domain
    private bool _isAstray;                      // registers may disagree with Domain: a sequence was cut off by an error

    /// <summary>A unit that belongs to a device.</summary>
    protected SingleContextUnit(Device device, IommuCore core)
        : base(device)
    {
        ArgumentNullException.ThrowIfNull(core);
        Core = core;
    }

    /// <summary>Who hears of faults.</summary>
    protected IommuCore Core { get; }

    /// <summary>Held around each sequence of register accesses.</summary>
    protected GatedLock Registers { get; } = new(LockRank.Registers);

    /// <summary>The paging domain in force, or null while addresses pass unchanged (or nothing passes, where the unit cannot let them).</summary>
    protected IommuDomain? Domain { get; private set; }

    /// <summary>Whether the device is runtime-active: its registers answer.</summary>
    protected bool IsActive { get; private set; }

    /// <summary>All masters of a unit are one group.</summary>
    public sealed override MasterGrouping Grouping => MasterGrouping.ByUnit;

    /// <inheritdoc/>
    public sealed override Status Attach(Device master, ReadOnlySpan<StreamId> streams, IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(master);
        ArgumentNullException.ThrowIfNull(domain);
        using (Registers.Hold())
        {
            if (domain.IsPaging)
            {
                if (!Accepts(domain))
                    return Status.InvalidArgument;
                if (!_masters.Contains(master))
                    _masters.Add(master);
                return Switch(domain);
            }

            // While another master is left in the domain the unit goes on translating for both.
            _masters.Remove(master);
            return _masters.Count > 0 ? Status.Ok : Switch(null);
        }
    }

    /// <inheritdoc/>
    public sealed override void Invalidate(IommuDomain domain, in InvalidationGather gather)
    {
        using (Registers.Hold())
        {
            if (!ReferenceEquals(domain, Domain))
                return; // on its way in or out: coming into force forgets everything
            if (!IsActive)
            {
                MissInvalidation(gather);
                return;
            }

            try
            {
                if (_isAstray)
                    StartAgain(domain);
                else
                    Forget(gather);
            }
            catch (ApertureException)
            {
                // Who does not answer, or not in time, does not translate either. Before the unit is used again everything is programmed afresh.
                _isAstray = true;
            }
        }
    }

    /// <inheritdoc/>
    public override void RemoveMaster(Device master)
    {
        using (Registers.Hold())
        {
            if (_masters.Remove(master) && _masters.Count == 0)
                Switch(null);
        }
    }

    /// <inheritdoc/>
    public void Remove() => RuntimeSuspend();

    /// <summary>Brings the unit to where its domain is in force.</summary>
    /// <exception cref="BusErrorException">The registers do not answer.</exception>
    public void RuntimeResume()
    {
        using (Registers.Hold())
        {
            if (IsActive)
                return;
            PowerUp();
            try
            {
                if (Domain is { } domain)
                    Start(domain, isResuming: !_isAstray);
                else if (_isAstray)
                    Stop(isSuspending: false);
            }
            catch
            {
                _isAstray = true;
                PowerDown();
                throw;
            }

            _isAstray = false;
            IsActive = true;
        }
    }

    /// <summary>Saves what has to be kept and makes the unit quiet.</summary>
    /// <exception cref="BusErrorException">The registers do not answer. The unit counts as suspended all the same.</exception>
    public void RuntimeSuspend()
    {
        using (Registers.Hold())
        {
            if (!IsActive)
                return;
            IsActive = false;
            try
            {
                if (Domain is not null)
                    Stop(isSuspending: true);
            }
            catch
            {
                _isAstray = true;
                throw;
            }
            finally
            {
                PowerDown();
            }
        }
    }

    /// <summary>Whether the domain's tables are of this unit's kind.</summary>
    protected abstract bool Accepts(IommuDomain domain);

    /// <summary>Brings a domain into force from any state of the registers. Afterwards nothing of an earlier domain is left.</summary>
    /// <param name="domain">The domain; <see cref="Accepts"/> took it.</param>
    /// <param name="isResuming">Whether it is the same domain that was in force when the unit was suspended.</param>
    protected abstract void Start(IommuDomain domain, bool isResuming);

    /// <summary>Lets addresses pass unchanged.</summary>
    /// <param name="isSuspending">Whether the domain comes back with the next <see cref="Start"/>.</param>
    protected abstract void Stop(bool isSuspending);

    /// <summary>Forgets what was gathered; the unit is active and the domain in force.</summary>
    protected abstract void Forget(in InvalidationGather gather);

    /// <summary>Something was removed while the unit was not active.</summary>
    protected virtual void MissInvalidation(in InvalidationGather gather)
    {
    }

    /// <summary>Switches on what the registers need.</summary>
    protected virtual void PowerUp()
    {
    }

    /// <summary>Switches off what <see cref="PowerUp"/> switched on.</summary>
    protected virtual void PowerDown()
    {
    }

    /// <summary>Reports a fault in the domain in force. Call it without the lock: a handler may map and unmap.</summary>
    protected FaultResponse Report(IommuDomain? domain, int context, uint address, FaultAccess access, FaultReason reason, uint code)
    {
        Device? master;
        using (Registers.Hold())
            master = _masters.Count == 1 ? _masters[0] : null;
        return Core.Report(domain, new FaultReport(this, master, context, new Iova(address), access, reason, code));
    }

    private Status Switch(IommuDomain? domain)
    {
        if (ReferenceEquals(domain, Domain) && !_isAstray)
            return Status.Ok;
        var previous = Domain;
        Domain = domain;
        if (!IsActive)
        {
            _isAstray |= !ReferenceEquals(domain, previous); // nothing that was saved is of use to another domain
            return Status.Ok;
        }

        try
        {
            StartAgain(domain);
            return Status.Ok;
        }
        catch (ApertureException error)
        {
            // A unit that does not answer lets nothing through. When it comes back it goes where it was told last: a domain that
            // was left may be gone by then, and a caller who wants the old one back says so.
            _isAstray = true;
            if (domain is null)
                return error.Status;
            throw; // the core tells the caller what the unit's driver said
        }
    }

    private void StartAgain(IommuDomain? domain)
    {
        _isAstray = true;
        if (domain is null)
            Stop(isSuspending: false);
        else
            Start(domain, isResuming: false);
        _isAstray = false;
    }
}
