namespace Aperture.Devices;

/// <summary>Whether a device gets to memory at all, whatever it does and whichever IOMMUs stand between: the bus-master bit of a PCI
/// function, a switch in front of a block's ports. The last means to keep a device from memory when its IOMMU does not answer.</summary>
/// <remarks>Thread-safe. Stops are counted: several IOMMUs of one device may fail at once.</remarks>
public abstract class BusMastering
{
    private readonly Lock _lock = new();
    private int _stops; // not resumed yet; guarded by the lock

    /// <summary>Whether somebody keeps the device from memory.</summary>
    public bool IsStopped => Volatile.Read(ref _stops) > 0;

    /// <summary>Keeps the device from memory until <see cref="Resume"/> was called as often.</summary>
    /// <returns>Whether no access of the device reaches memory from now on, those included that began before. False counts for
    /// nothing.</returns>
    public bool TryStop()
    {
        lock (_lock)
        {
            if (_stops == 0 && !TryClose())
                return false;
            _stops++;
            return true;
        }
    }

    /// <summary>Takes one stop back.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public void Resume()
    {
        lock (_lock)
        {
            if (_stops == 0)
                throw new InvalidOperationException("a device is resumed that was not stopped");
            if (--_stops == 0)
                Open();
        }
    }

    /// <summary>Lets no access of the device through any more. Throws nothing, takes no lock under which an access may be made, and calls
    /// nobody.</summary>
    /// <returns>Whether that is so, and accesses that began before have ended.</returns>
    protected abstract bool TryClose();

    /// <summary>Lets accesses through again. As <see cref="TryClose"/>, throws nothing and calls nobody.</summary>
    protected abstract void Open();
}
