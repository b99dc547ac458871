using Aperture.Core;
using Aperture.Datasheets.Edu;
using Aperture.Devices;

namespace Aperture.Drivers.Edu;

/// <summary>Driver of the educational device, on PCI or plainly memory-mapped: its registers are the device's first region, its
/// interrupt the first one.</summary>
public sealed class EduDriver : IDriver
{
    private readonly TimeProvider _time;
    private readonly int _addressBits;

    /// <summary>A driver.</summary>
    /// <param name="time">What the driver waits by; the system's time when null.</param>
    /// <param name="addressBits">How many address bits the device was made with, 1 to 64.</param>
    public EduDriver(TimeProvider? time = null, int addressBits = EduRegisters.AddressBits)
    {
        _time = time ?? TimeProvider.System;
        _addressBits = addressBits;
    }

    /// <inheritdoc/>
    public string Name => "edu";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = [EduRegisters.PciCompatible, "aperture,edu"];

    /// <summary>Takes a device over; the result is an <see cref="EduClient"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: no registers, another block is there, or it fails its
    /// liveness check.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no registers");
        device.Dma.SetMask(_addressBits);
        var client = new EduClient(device, _time);
        client.RuntimeResume();
        try
        {
            client.Identify();
            device.Manage(device.Power.Hold());
            if (device.Interrupts.Count > 0)
                device.Manage(device.Interrupts[0].Request(client.OnInterrupt));
            return client;
        }
        catch
        {
            client.RuntimeSuspend();
            throw;
        }
    }
}
