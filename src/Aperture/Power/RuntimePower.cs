using System.Diagnostics;
using Aperture.Core;

namespace Aperture.Power;

/// <summary>Runtime power of a device: active while somebody holds it, and for the autosuspend delay afterwards.</summary>
/// <remarks>
/// <para>On the way up: power domains on, suppliers held, the driver's <see cref="IPowerAware.RuntimeResume"/>. On the way down the
/// reverse. A device without a bound driver goes through the same steps without the driver's.</para>
/// <para>It is always in force, unlike on Linux: a driver that never touches it loses power when its probe returns. One whose device
/// must stay up between calls holds it from its probe until its removal.</para>
/// <para>Thread-safe. A call from inside the device's own resume or suspend, or from an interrupt handler that runs there,
/// only counts. Resuming takes locks from consumer to supplier: take a hold before a lock of your own that
/// <see cref="IPowerAware.RuntimeResume"/> takes too.</para>
/// </remarks>
public sealed partial class RuntimePower
{
    private const int ActiveFlag = 1 << 30;
    private const int CountMask = ActiveFlag - 1;

    private readonly Lock _lock = new(); // held through every change of state, callbacks included
    private readonly IPowered _device;
    private int _word;                   // ActiveFlag and the number of holds: the way in and out of an active device takes no lock
    private bool _changing;              // the thread that has the lock is in a callback of the device's driver
    private int _domainsOn;              // how many of the device's power domains this holds on, from the first

    internal RuntimePower(IPowered device) => _device = device;

    /// <summary>Whether the device has power and clocks and its driver has brought it up. A plain read; it may change at once
    /// unless the caller holds the device.</summary>
    public bool IsActive => (Volatile.Read(ref _word) & ActiveFlag) != 0;

    /// <summary>Whether the device has power and clocks, its driver's callbacks included that bring it up or save it.</summary>
    internal bool IsUp => IsActive || Volatile.Read(ref _changing);

    /// <summary>Number of holds.</summary>
    public int UseCount => Volatile.Read(ref _word) & CountMask;

    /// <summary>Called when the device could not be suspended, with the reason. It stays active then.</summary>
    internal event Action<IPowered, Exception>? SuspendFailed;

    /// <summary>Holds the device active; it is when this returns.</summary>
    /// <exception cref="ApertureException">A supplier or the driver could not be resumed; everything is as before.
    /// <see cref="Status.Busy"/>: the system sleeps.</exception>
    public void Get()
    {
        if (TryGetActive())
            return;
        lock (_lock)
        {
            if (_asleep)
                throw new ApertureException(Status.Busy, $"{_device.Name} cannot be resumed: the system sleeps");
            Interlocked.Increment(ref _word);
            if (IsActive || _changing)
                return;
            try
            {
                PowerUp();
            }
            catch
            {
                Interlocked.Decrement(ref _word);
                throw;
            }

            AssertInvariants();
        }
    }

    /// <summary>Asserts what holds whenever nobody is in the middle of a change, in Debug. Call it under the lock.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "power is looked at under its lock");
        Debug.Assert(_domainsOn <= _device.PowerDomains.Count, "no more domains are held than there are");
        Debug.Assert(_changing || !IsActive || _domainsOn == _device.PowerDomains.Count, "an active device has all of its domains");
        Debug.Assert(_changing || IsActive || UseCount == 0, "a device that is held is active");
    }

    /// <summary>Holds the device if it is active already; never wakes it.</summary>
    /// <returns>Whether it is held now.</returns>
    public bool TryGetActive()
    {
        var word = Volatile.Read(ref _word);
        while ((word & ActiveFlag) != 0)
        {
            var seen = Interlocked.CompareExchange(ref _word, word + 1, word);
            if (seen == word)
                return true;
            word = seen;
        }

        return false;
    }

    /// <summary>Lets the device go. With the last hold it is suspended, at once or after <see cref="AutosuspendDelay"/>.
    /// A driver that cannot suspend is reported to the driver core and its device stays active.</summary>
    /// <exception cref="ApertureException">Nobody holds the device.</exception>
    public void Put()
    {
        var word = Volatile.Read(ref _word);
        while ((word & CountMask) > 1)
        {
            var seen = Interlocked.CompareExchange(ref _word, word - 1, word);
            if (seen == word)
                return;
            word = seen;
        }

        lock (_lock)
        {
            if (UseCount == 0)
                throw new ApertureException(Status.InvalidArgument, $"{_device.Name} was let go more often than it was held");
            if ((Interlocked.Decrement(ref _word) & CountMask) == 0 && IsActive && !_changing)
                Idle();
            AssertInvariants();
        }
    }

    /// <summary>Holds the device active until the result is disposed.</summary>
    /// <exception cref="ApertureException">As for <see cref="Get"/>.</exception>
    public PowerHold Hold()
    {
        Get();
        return new PowerHold(this);
    }

    /// <summary>Holds the device until the result is disposed if it is active already; never wakes it.</summary>
    public bool TryHold(out PowerHold hold)
    {
        var held = TryGetActive();
        hold = held ? new PowerHold(this) : default;
        return held;
    }

    private void PowerUp()
    {
        _changing = true;
        try
        {
            DomainsOn();
            HoldSuppliers();
            _device.Bound?.RuntimeResume();
            Interlocked.Or(ref _word, ActiveFlag);
        }
        catch (Exception e)
        {
            PowerDown();
            if (e is not ApertureException failure)
                throw;
            throw new ApertureException(failure.Status, $"{_device.Name} could not be resumed: {failure.Message}", failure);
        }
        finally
        {
            _changing = false;
        }
    }

    private void PowerDown()
    {
        ReleaseSuppliers();
        DomainsOff();
    }

    private void DomainsOn()
    {
        for (; _domainsOn < _device.PowerDomains.Count; _domainsOn++)
            _device.PowerDomains[_domainsOn].Enable();
    }

    private void DomainsOff()
    {
        while (_domainsOn > 0)
            _device.PowerDomains[--_domainsOn].Disable();
    }

    private void Suspend()
    {
        // From here on nobody gets in without the lock.
        if (Interlocked.CompareExchange(ref _word, 0, ActiveFlag) != ActiveFlag)
            return;
        _changing = true;
        var quiet = false;
        try
        {
            _device.Bound?.RuntimeSuspend();
            quiet = true;
            if (UseCount > 0)
            {
                // Somebody took a hold from inside the callback.
                _device.Bound?.RuntimeResume();
                quiet = false;
            }
        }
        catch (Exception e)
        {
            if (e is not ApertureException)
                throw;
            SuspendFailed?.Invoke(_device, e);
        }
        finally
        {
            try
            {
                if (quiet)
                    PowerDown();
                else
                    Interlocked.Or(ref _word, ActiveFlag);
            }
            finally
            {
                _changing = false;
            }
        }
    }
}
