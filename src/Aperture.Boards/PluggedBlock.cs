using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Power;

namespace Aperture.Boards;

/// <summary>A block that was plugged into a machine. Dispose it to pull it out; unbind its driver before.</summary>
public sealed class PluggedBlock : IDisposable
{
    private readonly SystemBus _bus;
    private readonly RegisterRegion _region;
    private readonly Interrupt _interrupt;
    private readonly IReadOnlyList<Gate> _power;
    private readonly DriverCore? _added; // where the device was added for the block; null when it was there before
    private bool _isOut;                 // pulled out

    internal PluggedBlock(SystemBus bus, Device device, MasterDevice model, RegisterRegion region, Interrupt interrupt, IReadOnlyList<Gate> power, DriverCore? added)
    {
        _bus = bus;
        Device = device;
        Model = model;
        _region = region;
        _interrupt = interrupt;
        _power = power;
        _added = added;
        device.Registers.Add(region);
        device.Interrupts.Add(interrupt);
        foreach (var gate in power)
        {
            gate.Changed += model.SetPower;
            model.SetPower(gate.IsOn);
        }
    }

    /// <summary>The device that its driver sees.</summary>
    public Device Device { get; }

    /// <summary>The block.</summary>
    public MasterDevice Model { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isOut)
            return;
        _isOut = true;
        _added?.Remove(Device);
        foreach (var gate in _power)
            gate.Changed -= Model.SetPower;
        Device.Registers.Remove(_region);
        Device.Interrupts.Remove(_interrupt);
        _bus.Detach(Model);
    }
}
