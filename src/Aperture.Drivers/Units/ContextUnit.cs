using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Units;

/// <summary>A unit that translates for several masters by several tables at once. It keeps which master is in which domain through power
/// cycles and lost registers; a driver adds what a context is, and the register sequences.</summary>
/// <remarks>Registers are touched only while the device is runtime-active, and only under one lock. What changes while it is
/// not takes effect when it becomes active.</remarks>
public abstract class ContextUnit : IommuUnit, IBoundDriver
{
    private readonly List<UnitAttachment> _attachments = []; // masters in domains with tables; who moved last is last
    private bool _isAstray;                                  // registers may disagree with the attachments: a sequence was cut off by a bus error

    /// <summary>A unit that belongs to a device.</summary>
    protected ContextUnit(Device device, IommuCore core)
        : base(device)
    {
        ArgumentNullException.ThrowIfNull(core);
        Core = core;
    }

    /// <summary>Who hears of faults.</summary>
    protected IommuCore Core { get; }

    /// <summary>Held around each sequence of register accesses.</summary>
    protected GatedLock Registers { get; } = new(LockRank.Registers);

    /// <summary>The masters in domains with tables; who moved last is last. All others' addresses pass unchanged.</summary>
    protected IReadOnlyList<UnitAttachment> Attachments => _attachments;

    /// <summary>Whether the device is runtime-active: its registers answer.</summary>
    protected bool IsActive { get; private set; }

    /// <inheritdoc/>
    public sealed override Status Attach(Device master, ReadOnlySpan<StreamId> streams, IommuDomain domain)
    {
        ArgumentNullException.ThrowIfNull(master);
        ArgumentNullException.ThrowIfNull(domain);
        using (Registers.Hold())
        {
            if (!domain.IsPaging)
                return Switch(Find(master), null);
            return Accepts(domain) ? Switch(Find(master), new UnitAttachment(master, streams.ToArray(), domain)) : Status.InvalidArgument;
        }
    }

    /// <inheritdoc/>
    public sealed override void Invalidate(IommuDomain domain, in InvalidationGather gather)
    {
        using (Registers.Hold())
        {
            if (!IsActive)
                return; // it comes back empty
            try
            {
                if (_isAstray)
                    StartAgain();
                else
                    Forget(domain, gather);
            }
            catch (BusErrorException)
            {
                // Who does not answer does not translate either. Before the unit is used again everything is programmed afresh.
                _isAstray = true;
            }
        }
    }

    /// <inheritdoc/>
    public override void RemoveMaster(Device master)
    {
        using (Registers.Hold())
            Switch(Find(master), null);
    }

    /// <inheritdoc/>
    public void Remove() => RuntimeSuspend();

    /// <summary>Brings the unit to where every domain is in force.</summary>
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
                Start();
            }
            catch
            {
                PowerDown();
                throw;
            }

            _isAstray = false;
            IsActive = true;
        }
    }

    /// <summary>Makes the unit quiet. What has to be kept is in the attachments.</summary>
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
                Stop();
            }
            finally
            {
                PowerDown();
            }
        }
    }

    /// <summary>Whether the domain's tables are of this unit's kind.</summary>
    protected abstract bool Accepts(IommuDomain domain);

    /// <summary>Finds a context for an attachment that is about to be; no register is touched.</summary>
    /// <param name="next">The attachment.</param>
    /// <param name="previous">The same master's attachment that it takes the place of, or null. It still holds.</param>
    /// <returns><see cref="Status.NoSpace"/> when no context is left; nothing was taken then.</returns>
    protected abstract Status Reserve(UnitAttachment next, UnitAttachment? previous);

    /// <summary>Gives back what <see cref="Reserve"/> took for an attachment that is not in <see cref="Attachments"/> any more.</summary>
    protected abstract void Release(UnitAttachment attachment);

    /// <summary>Programs all registers for the attachments, whatever they hold and the unit remembers.</summary>
    protected abstract void Start();

    /// <summary>Makes the unit quiet before it may lose power.</summary>
    protected abstract void Stop();

    /// <summary>Follows one change of the attachments, which hold already. Afterwards nothing of what was before is left.</summary>
    /// <param name="previous">What ended, or null.</param>
    /// <param name="next">What took its place, or null.</param>
    protected abstract void Move(UnitAttachment? previous, UnitAttachment? next);

    /// <summary>Forgets what was gathered; the unit is active. A domain on its way in or out may be in no context: there is nothing to forget then.</summary>
    protected abstract void Forget(IommuDomain domain, in InvalidationGather gather);

    /// <summary>Switches on what the registers need.</summary>
    protected virtual void PowerUp()
    {
    }

    /// <summary>Switches off what <see cref="PowerUp"/> switched on.</summary>
    protected virtual void PowerDown()
    {
    }

    /// <summary>Notes that registers did not answer outside of the sequences above: everything is programmed afresh before the unit is used
    /// again. Call it under the lock.</summary>
    protected void GoAstray() => _isAstray = true;

    private UnitAttachment? Find(Device master) => _attachments.Find(attachment => attachment.Master == master);

    private Status Switch(UnitAttachment? previous, UnitAttachment? next)
    {
        if (ReferenceEquals(previous?.Domain, next?.Domain) && !_isAstray)
            return Status.Ok;
        var status = next is null ? Status.Ok : Reserve(next, previous);
        if (status != Status.Ok)
            return status;

        Replace(previous, next);
        try
        {
            if (IsActive && _isAstray)
                StartAgain();
            else if (IsActive)
                Move(previous, next);
        }
        catch (BusErrorException error)
        {
            // A unit that does not answer lets nothing through. When it comes back its masters are where they were told to go last: a
            // domain that was left may be gone by then, and a caller who wants the old one back says so.
            _isAstray = true;
            status = error.Status;
        }

        if (previous is not null)
            Release(previous);
        return status;
    }

    private void Replace(UnitAttachment? old, UnitAttachment? attachment)
    {
        if (old is not null)
            _attachments.Remove(old);
        if (attachment is not null)
            _attachments.Add(attachment);
    }

    private void StartAgain()
    {
        _isAstray = true;
        Start();
        _isAstray = false;
    }
}
