using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Drivers.DmaMaster;

/// <summary>Driver of the generic DMA master. It serves whatever the board says that the master stands for; the master's
/// registers are the device's last region and its interrupt the last one.</summary>
public sealed class DmaMasterDriver : IDriver
{
    private readonly int _addressBits;
    private readonly TimeProvider? _time; // passes while a master works; null: it works at once

    /// <summary>A driver.</summary>
    /// <param name="compatible">The <c>compatible</c> strings of the devices that a generic master stands for.</param>
    /// <param name="addressBits">How many address bits the master uses, 1 to 64.</param>
    /// <param name="time">The machine's time, which passes while a master is waited for; null for masters that do a command at
    /// once.</param>
    public DmaMasterDriver(IReadOnlyList<string> compatible, int addressBits = 32, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(compatible);
        Compatible = compatible;
        _addressBits = addressBits;
        _time = time;
    }

    /// <inheritdoc/>
    public string Name => "dma-master";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; }

    /// <summary>Takes a master over; the result is a <see cref="DmaMasterClient"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: no register region, or another block is there.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no registers");
        var registers = device.Registers[^1];
        device.Dma.SetMask(_addressBits);
        var client = new DmaMasterClient(device, registers, _time);
        try
        {
            client.RuntimeResume();
            client.Identify();
            if (device.Interrupts.Count > 0)
                device.Manage(device.Interrupts[^1].Request(client.OnInterrupt));
            return client;
        }
        catch
        {
            client.RuntimeSuspend();
            throw;
        }
    }
}
