using Aperture.Devices;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>A unit's registers with somebody who watches each access of the driver, cuts it off, or loses a write.</summary>
public sealed class WatchedRegisters(RegisterRegion registers) : RegisterRegion(registers.Name, registers.Size)
{
    private bool _isWatching; // accesses that the watcher causes are not watched

    /// <summary>The unit's first registers, whose watcher watches these, too; null for those.</summary>
    public WatchedRegisters? First { get; init; }

    /// <summary>Called before each access.</summary>
    public Action? Before { get; set; }

    /// <summary>Whether nothing answers any more, though the unit keeps its state and works on.</summary>
    public bool IsDead { get; set; }

    /// <summary>Tells which registers lose what is written to them.</summary>
    public Func<uint, bool>? Loses { get; set; }

    public override uint Read32(uint offset)
    {
        Watch(offset, isWrite: false);
        return registers.Read32(offset);
    }

    public override void Write32(uint offset, uint value)
    {
        Watch(offset, isWrite: true);
        if (Loses?.Invoke(offset) != true)
            registers.Write32(offset, value);
    }

    public override ulong Read64(uint offset)
    {
        Watch(offset, isWrite: false);
        return registers.Read64(offset);
    }

    public override void Write64(uint offset, ulong value)
    {
        Watch(offset, isWrite: true);
        if (Loses?.Invoke(offset) != true)
            registers.Write64(offset, value);
    }

    private void Watch(uint offset, bool isWrite)
    {
        if (First is not null)
        {
            First.Watch(offset, isWrite);
            return;
        }

        if (Before is { } before && !_isWatching)
        {
            _isWatching = true;
            try
            {
                before();
            }
            finally
            {
                _isWatching = false;
            }
        }

        if (IsDead)
            throw new BusErrorException(Name, offset, isWrite);
    }
}
