using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.Threading;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Units;

/// <summary>A unit with registers: its power, the lock of its registers, and what happens when they fail. A driver adds books of who is in
/// which domain, and the register sequences.</summary>
/// <remarks>
/// <para>Registers are touched only while the device is runtime-active, and only under one lock. What changes while it is not takes effect
/// when it becomes active.</para>
/// <para>When a sequence fails anywhere, for whatever reason, nothing is known of the hardware any more: all of it is programmed afresh at
/// once. If that fails, too, masters are cut off where the driver has the means, and what was removed stays in quarantine until it
/// succeeds, with the next invalidation, attach or resume. Each failure is reported through the core. A stopped clock or a lost bus access
/// takes no translation out of a cache: that a unit does not answer says nothing of what it does when it works again.</para>
/// </remarks>
public abstract class ProgrammedUnit : IommuUnit, IBoundDriver
{
    private Status _failure = Status.IoError; // how it failed last
    private bool _isCutOff;                   // TryCutOff cut the masters off

    /// <summary>A unit that belongs to a device.</summary>
    protected ProgrammedUnit(Device device, IommuCore core)
        : base(device)
    {
        ArgumentNullException.ThrowIfNull(core);
        Core = core;
    }

    /// <summary>Who hears of faults and failures.</summary>
    protected IommuCore Core { get; }

    /// <summary>Held around each sequence of register accesses, and around changes of the books.</summary>
    protected GatedLock Registers { get; } = new(LockRank.Registers);

    /// <summary>Whether the device is runtime-active.</summary>
    protected bool IsActive { get; private set; }

    /// <summary>Whether registers may be accessed.</summary>
    protected bool CanAccess => IsActive && !_isCutOff;

    /// <inheritdoc/>
    public sealed override Status Invalidate(InvalidationTarget target, in InvalidationGather gather)
    {
        Status status;
        Exception? error = null;
        var thread = ThreadRecord.Current;
        Registers.Enter(thread);
        try
        {
            status = InvalidateOrRecover(target, gather, ref error);
        }
        catch (Exception e)
        {
            error = e;
            status = Recover(ref error);
        }

        Registers.Exit(thread);
        if (error is not null)
            Tell(UnitOperation.Invalidate, error, status);
        return status;
    }

    /// <inheritdoc/>
    public sealed override Status TryReprogram()
    {
        Exception? error = null;
        Status status;
        using (Registers.Hold())
        {
            if (!NeedsReprogram)
                return Status.Ok;
            if (!IsActive)
                return _failure;
            status = Recover(ref error);
        }

        Tell(UnitOperation.Reprogram, error, status);
        return status;
    }

    /// <inheritdoc/>
    public void Remove() => RuntimeSuspend();

    /// <summary>Brings the unit to where every domain is in force.</summary>
    /// <exception cref="BusErrorException">The registers do not answer.</exception>
    public void RuntimeResume()
    {
        try
        {
            using (Registers.Hold())
            {
                if (IsActive)
                    return;
                PowerUp();
                try
                {
                    Resume();
                }
                catch (Exception e)
                {
                    Fail(e);
                    PowerDown();
                    throw;
                }

                IsActive = true;
                MarkReprogrammed();
            }
        }
        catch (Exception e)
        {
            Tell(UnitOperation.Resume, e, StatusOf(e));
            throw;
        }
    }

    /// <summary>Makes the unit quiet. What has to be kept is in the books.</summary>
    /// <exception cref="BusErrorException">The registers do not answer. The unit counts as suspended all the same.</exception>
    public void RuntimeSuspend()
    {
        try
        {
            using (Registers.Hold())
            {
                if (!IsActive)
                    return;
                IsActive = false;
                try
                {
                    if (!_isCutOff)
                        Suspend();
                }
                catch (Exception e)
                {
                    Fail(e);
                    throw;
                }
                finally
                {
                    _isCutOff = false;
                    PowerDown();
                }
            }
        }
        catch (Exception e)
        {
            Tell(UnitOperation.Suspend, e, StatusOf(e));
            throw;
        }
    }

    /// <summary>Programs all registers for what the books say, whatever they hold and the unit remembers. Afterwards nothing of what was
    /// before is left.</summary>
    protected abstract void Program();

    /// <summary>Brings the unit up from where it was suspended, or from any other state if it
    /// <see cref="IommuUnit.NeedsReprogram"/>.</summary>
    protected virtual void Resume() => Program();

    /// <summary>Makes the unit quiet before it may lose power.</summary>
    protected abstract void Suspend();

    /// <summary>Makes the unit drop what was gathered; it can be accessed. A domain on its way in or out may be in no context: there is
    /// nothing to drop then.</summary>
    protected abstract void Flush(InvalidationTarget target, in InvalidationGather gather);

    /// <summary>Something was removed while the unit was not active. Its masters are not either, so that nothing has to be done now unless
    /// the unit may work on for one that makes accesses all the same.</summary>
    protected virtual void MissInvalidation(InvalidationTarget target, in InvalidationGather gather)
    {
    }

    /// <summary>Switches on what the registers need; nothing happens where it is on.</summary>
    protected virtual void PowerUp()
    {
    }

    /// <summary>Switches off what <see cref="PowerUp"/> and <see cref="Reconnect"/> switched on; nothing happens where it is off.</summary>
    protected virtual void PowerDown()
    {
    }

    /// <summary>Keeps masters from getting through a unit that does not answer, by its clocks for instance.</summary>
    /// <returns>Whether none gets through.</returns>
    protected virtual bool TryCutOff() => false;

    /// <summary>Undoes <see cref="TryCutOff"/>, to program the unit; nothing happens where masters are not cut off.</summary>
    protected virtual void Reconnect()
    {
    }

    /// <summary>Follows a change of the books, which hold already.</summary>
    /// <param name="follow">The sequence for just this change. Not called on a unit that needs to be reprogrammed.</param>
    /// <param name="error">What failed, also when the unit was programmed afresh then.</param>
    private protected Status Follow(Action follow, out Exception? error)
    {
        error = null;
        if (!IsActive)
            return Status.Ok;
        if (!NeedsReprogram)
        {
            try
            {
                follow();
                return Status.Ok;
            }
            catch (Exception e)
            {
                error = e;
            }
        }

        return Recover(ref error);
    }

    /// <summary>Runs an interrupt handler. Registers that do not answer in it are reported, and the unit is not trusted until it was
    /// programmed afresh.</summary>
    protected InterruptResult Guard(Func<InterruptResult> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        try
        {
            return handler();
        }
        catch (BusErrorException e)
        {
            using (Registers.Hold())
                Fail(e);
            Tell(UnitOperation.HandleFault, e, e.Status);
            return InterruptResult.None;
        }
    }

    /// <summary>Notes that registers failed outside of the sequences above. Call it under the lock, and <see cref="Tell"/>
    /// without.</summary>
    private protected void Fail(Exception error)
    {
        MarkForReprogram();
        _failure = StatusOf(error);
    }

    /// <summary>Reports what failed, if anything did. Call it without the lock: who hears of it may do anything.</summary>
    /// <param name="operation">What failed.</param>
    /// <param name="error">How, or null.</param>
    /// <param name="status"><see cref="Status.Ok"/> when the unit was programmed afresh.</param>
    private protected void Tell(UnitOperation operation, Exception? error, Status status)
    {
        if (error is null)
            return;
        var isCutOff = _isCutOff || AreMastersStopped;
        var remedy = status == Status.Ok ? UnitRemedy.Reprogrammed : isCutOff ? UnitRemedy.CutOff : UnitRemedy.Quarantined;
        Core.Report(new UnitFailure(this, operation, StatusOf(error), error.Message, remedy));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Status InvalidateOrRecover(InvalidationTarget target, in InvalidationGather gather, ref Exception? error)
    {
        if (!IsActive)
        {
            MissInvalidation(target, gather);
            return NeedsReprogram ? _failure : Status.Ok;
        }

        if (NeedsReprogram)
            return Recover(ref error);
        Flush(target, gather);
        return Status.Ok;
    }

    /// <summary>Programs everything afresh; masters are cut off when that fails. Call it under the lock, and <see cref="Tell"/>
    /// without.</summary>
    /// <param name="error">What failed before, or null; what failed now, if nothing had.</param>
    private protected Status Recover(ref Exception? error)
    {
        MarkForReprogram();
        if (!IsActive)
        {
            _failure = error is null ? _failure : StatusOf(error);
            TryStopMasters();
            return _failure; // the next resume does it
        }

        try
        {
            Reconnect();
            _isCutOff = false;
            Program();
            MarkReprogrammed();
            return Status.Ok;
        }
        catch (Exception e)
        {
            error ??= e;
            Fail(error);
        }

        // Both: what is cut off by a clock gets through again when somebody else starts that.
        TryStopMasters();
        try
        {
            _isCutOff = TryCutOff();
        }
        catch (Exception e)
        {
            error = new AggregateException(error, e);
        }

        return _failure;
    }

    private static Status StatusOf(Exception error) =>
        error is ApertureException { Status: not Status.Ok } known ? known.Status : Status.IoError;
}
