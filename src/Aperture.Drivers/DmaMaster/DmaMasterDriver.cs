using Aperture.Core;
using Aperture.Datasheets.DmaMaster;
using Aperture.Devices;

namespace Aperture.Drivers.DmaMaster;

/// <summary>Driver of the generic DMA master. It serves whatever the board says that the master stands for.</summary>
public sealed class DmaMasterDriver : IDriver
{
    private readonly int _addressBits;
    private readonly int _region;

    /// <summary>A driver.</summary>
    /// <param name="compatible">The <c>compatible</c> strings of the devices that a generic master stands for.</param>
    /// <param name="addressBits">How many address bits the master uses, 1 to 64.</param>
    /// <param name="region">Which register region of the device is the master's.</param>
    public DmaMasterDriver(IReadOnlyList<string> compatible, int addressBits = 32, int region = 0)
    {
        ArgumentNullException.ThrowIfNull(compatible);
        ArgumentOutOfRangeException.ThrowIfNegative(region);
        Compatible = compatible;
        _addressBits = addressBits;
        _region = region;
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
        if (device.Registers.Count <= _region)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no register region {_region}");
        var registers = device.Registers[_region];
        device.Dma.SetMask(_addressBits);
        device.Power.Get();
        try
        {
            var id = registers.Read32(DmaMasterRegisters.Id);
            if (id != DmaMasterRegisters.IdValue)
                throw new ApertureException(Status.NoDevice, $"{device.Name} is not a generic DMA master: its ID is 0x{id:x8}");
            var client = new DmaMasterClient(device, registers, (int)registers.Read32(DmaMasterRegisters.Ports));
            if (device.Interrupts.Count > 0)
                device.Manage(device.Interrupts[0].Request(client.OnInterrupt));
            return client;
        }
        finally
        {
            device.Power.Put();
        }
    }
}
