using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.Power;

namespace Aperture.Drivers.Pci;

/// <summary>The bus-master bit of a function: on while its driver holds the device active (<see cref="Gate"/>), and off whatever it wants
/// while an IOMMU in front of it does not answer.</summary>
internal sealed class PciMastering : BusMastering
{
    private readonly PciConfiguration _configuration;
    private readonly Lock _lock = new(); // held while the command register is read and written
    private bool _isWanted;
    private bool _isClosed;

    public PciMastering(PciConfiguration configuration, string name)
    {
        _configuration = configuration;
        Gate = new Gate(GateKind.PowerDomain, $"{name} bus mastering");
        Gate.Changed += on => Set(() => _isWanted = on);
    }

    /// <summary>A power domain of the device.</summary>
    public Gate Gate { get; }

    /// <summary>Changes other bits of the command register.</summary>
    public void Update(PciCommand set, PciCommand clear = PciCommand.None)
    {
        lock (_lock)
            _configuration.Update16(PciRegisters.Command, (ushort)set, (ushort)clear);
    }

    /// <summary>The function was reset, and its command register with it.</summary>
    public void Restore() => Set(() => { });

    /// <inheritdoc/>
    protected override bool TryClose()
    {
        try
        {
            Set(() => _isClosed = true);
            _configuration.Read16(PciRegisters.Status); // the answer comes behind what was posted before
            return true;
        }
        catch (BusErrorException)
        {
            return false; // nobody knows what a function does that does not answer
        }
    }

    /// <inheritdoc/>
    protected override void Open()
    {
        try
        {
            Set(() => _isClosed = false);
        }
        catch (BusErrorException)
        {
            // It is gone, and has nothing to go on with.
        }
    }

    private void Set(Action change)
    {
        lock (_lock)
        {
            change();
            if (!_configuration.IsPresent)
                return; // ones would be taken for what it holds
            if (_isWanted && !_isClosed)
                _configuration.Update16(PciRegisters.Command, (ushort)PciCommand.BusMaster);
            else
                _configuration.Update16(PciRegisters.Command, 0, (ushort)PciCommand.BusMaster);
        }
    }
}
