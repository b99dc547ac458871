using Aperture.Devices;
using Aperture.Power;

namespace Aperture.Drivers;

/// <summary>All clocks and reset lines of a device, switched together by the driver of a client device that wants no finer
/// control. Switching twice the same way does nothing.</summary>
internal sealed class DeviceGates
{
    private readonly Gate[] _gates; // clocks before resets: a block leaves its reset with its clock running
    private bool _on;               // this holds them on

    /// <summary>The gates of a device, as they are now.</summary>
    public DeviceGates(Device device) => _gates = [.. device.Clocks.Values, .. device.Resets.Values];

    /// <summary>Clocks on, resets released.</summary>
    public void On()
    {
        if (_on)
            return;
        _on = true;
        foreach (var gate in _gates)
            gate.Enable();
    }

    /// <summary>Resets asserted, clocks off, unless others hold them.</summary>
    public void Off()
    {
        if (!_on)
            return;
        _on = false;
        for (var i = _gates.Length - 1; i >= 0; i--)
            _gates[i].Disable();
    }
}
