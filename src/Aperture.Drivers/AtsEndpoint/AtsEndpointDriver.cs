using Aperture.Core;
using Aperture.Datasheets.AtsEndpoint;
using Aperture.Devices;

namespace Aperture.Drivers.AtsEndpoint;

/// <summary>Driver of the ATS endpoint: a device of this project that keeps translations of its own and asks for pages
/// (docs/units/ats-endpoint.md).</summary>
/// <param name="time">What the driver waits by; the system's time when null.</param>
public sealed class AtsEndpointDriver(TimeProvider? time = null) : IDriver
{
    /// <inheritdoc/>
    public string Name => "ats-endpoint";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = [AtsEndpointRegisters.PciCompatible];

    /// <summary>Takes a device over; the result is an <see cref="AtsEndpointClient"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: no registers, or another block is there.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0 || device.Registers[0].Size < AtsEndpointRegisters.Size)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no 0x{AtsEndpointRegisters.Size:x} bytes of registers");
        var client = new AtsEndpointClient(device, time ?? TimeProvider.System);
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
