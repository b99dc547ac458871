using Aperture.Core;

namespace Aperture.Power;

// System sleep. Holds stay as they are, so that everything is afterwards as it was before; nobody can be resumed in between.
public sealed partial class RuntimePower
{
    private bool _asleep;        // the device has gone to sleep with the system
    private bool _activeAtSleep; // it was active then, and one hold is the sleep's own

    /// <summary>Goes to sleep: an active device is saved by its driver's <see cref="IPowerAware.Suspend"/> and loses power. Consumers must
    /// sleep already.</summary>
    internal void Sleep()
    {
        lock (_lock)
        {
            if (_asleep)
                return;
            // The hold keeps the driver's own calls from suspending the device underneath.
            _activeAtSleep = TryGetActive();
            if (_activeAtSleep)
            {
                try
                {
                    _device.Bound?.Suspend();
                }
                catch
                {
                    _activeAtSleep = false;
                    Put();
                    throw;
                }

                Interlocked.And(ref _word, ~ActiveFlag);
                DomainsOff();
            }

            _asleep = true;
        }
    }

    /// <summary>Wakes up: what was active gets power and its driver's <see cref="IPowerAware.Resume"/>. Suppliers must be awake already.
    /// When that fails the device is suspended; the next <see cref="Get"/> tries again.</summary>
    internal void Wake()
    {
        lock (_lock)
        {
            if (!_asleep)
                return;
            _asleep = false;
            if (!_activeAtSleep)
                return;
            _activeAtSleep = false;
            _changing = true;
            try
            {
                DomainsOn();
                if (_links.Find(link => link.IsConfirmed && !link.Supplier.Power.IsActive) is { } dead)
                    throw new ApertureException(Status.NoDevice, $"its supplier {dead.Supplier.Name} did not come back");
                _device.Bound?.Resume();
                Interlocked.Or(ref _word, ActiveFlag);
            }
            catch
            {
                PowerDown();
                throw;
            }
            finally
            {
                _changing = false;
                Put();
            }
        }
    }
}
