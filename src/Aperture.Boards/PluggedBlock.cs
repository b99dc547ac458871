using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Power;

namespace Aperture.Boards;

/// <summary>A block that was plugged into a machine. To its driver it is a device like any other: registers and interrupt are number 0,
/// clocks, resets and power domains are those of the description. Dispose it to pull it out.</summary>
public sealed class PluggedBlock : IDisposable
{
    private readonly SystemBus _bus;
    private readonly DriverCore _drivers;
    private readonly bool _isAdded;                       // the device was added for the block; false when it was there before
    private readonly IReadOnlyList<Gate> _gates;
    private readonly Action<bool> _setReset;
    private readonly IDriver? _previousDriver;            // who had the device before the block came
    private readonly RegisterRegion[] _previousRegisters;
    private readonly Interrupt[] _previousInterrupts;
    private bool _isOut;                                  // pulled out

    /// <summary>Plugs a block in.</summary>
    /// <param name="machine">The machine, on whose bus the block is already.</param>
    /// <param name="device">Its device. One that was there before loses its driver, registers and interrupts until the block is pulled
    /// out.</param>
    /// <param name="model">The block.</param>
    /// <param name="region">Its registers.</param>
    /// <param name="interrupt">Its interrupt.</param>
    /// <param name="gates">Its clocks, resets and power domains.</param>
    /// <param name="isAdded">Whether the device is there for the block alone.</param>
    internal PluggedBlock(
        Machine machine,
        Device device,
        MasterDevice model,
        RegisterRegion region,
        Interrupt interrupt,
        IReadOnlyList<Gate> gates,
        bool isAdded)
    {
        _bus = machine.Bus;
        _drivers = machine.Drivers;
        _isAdded = isAdded;
        _gates = gates;
        Device = device;
        Model = model;
        _previousDriver = device.Driver;
        if (!isAdded)
            _drivers.Unbind(device);
        (_previousRegisters, _previousInterrupts) = ([.. device.Registers], [.. device.Interrupts]);
        Replace(device.Registers, [region]);
        Replace(device.Interrupts, [interrupt]);
        _setReset = released => model.SetReset(!released);
        model.ClockFrom([.. gates.Where(gate => gate.Kind == GateKind.Clock)]);
        foreach (var gate in gates.Where(gate => gate.Kind != GateKind.Clock))
        {
            var follow = FollowerOf(gate);
            gate.Changed += follow;
            follow(gate.IsOn);
        }
    }

    /// <summary>The device that its driver sees.</summary>
    public Device Device { get; }

    /// <summary>The block.</summary>
    public MasterDevice Model { get; }

    /// <summary>Takes the block's driver away and the block out. A device that was there before is as it was, with the driver that it
    /// had.</summary>
    /// <exception cref="ApertureException"><see cref="Status.Busy"/>: the device is being probed, or the system sleeps.</exception>
    public void Dispose()
    {
        if (_isOut)
            return;
        if (_isAdded)
            _drivers.Remove(Device);
        else
            _drivers.Unbind(Device);
        _isOut = true;
        foreach (var gate in _gates.Where(gate => gate.Kind != GateKind.Clock))
            gate.Changed -= FollowerOf(gate);
        Replace(Device.Registers, _previousRegisters);
        Replace(Device.Interrupts, _previousInterrupts);
        _bus.Detach(Model);
        if (!_isAdded && _previousDriver is not null)
            _drivers.Bind(Device, _previousDriver);
    }

    private Action<bool> FollowerOf(Gate gate) => gate.Kind == GateKind.Reset ? _setReset : Model.SetPower;

    private static void Replace<T>(IList<T> list, IReadOnlyList<T> items)
    {
        list.Clear();
        foreach (var item in items)
            list.Add(item);
    }
}
