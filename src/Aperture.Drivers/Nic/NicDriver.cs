using Aperture.Core;
using Aperture.Datasheets.Nic;
using Aperture.Devices;

namespace Aperture.Drivers.Nic;

/// <summary>Driver of the ring NIC. Registers and interrupt are the device's number 0.</summary>
public sealed class NicDriver : IDriver
{
    private readonly NicOptions _options;

    /// <summary>A driver.</summary>
    /// <param name="compatible">The <c>compatible</c> strings of the devices that are such cards.</param>
    /// <param name="options">Rings and buffers; null for the defaults.</param>
    public NicDriver(IReadOnlyList<string> compatible, NicOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(compatible);
        Compatible = compatible;
        _options = options ?? new NicOptions();
        if (!IsRing(_options.ReceiveRing) || !IsRing(_options.TransmitRing))
            throw new ApertureException(Status.InvalidArgument,
                $"rings of {_options.ReceiveRing} and {_options.TransmitRing} descriptors: a ring has a power of two of them, " +
                $"{NicRegisters.MinRing} to {NicRegisters.MaxRing}");
    }

    /// <inheritdoc/>
    public string Name => "ring-nic";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; }

    /// <summary>Takes a card over; the result is a <see cref="NetworkCard"/>, which is closed.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: registers or interrupt are missing, or another block is
    /// there.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0 || device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no registers or no interrupt");
        device.Dma.SetMask(_options.AddressBits);
        device.Dma.SetMaxSegmentSize(NicRegisters.MaxFrame);
        var card = new NetworkCard(device, _options);
        try
        {
            card.RuntimeResume();
            card.Identify();
            device.Manage(device.Interrupts[0].Request(card.OnInterrupt));
            return card;
        }
        catch
        {
            card.RuntimeSuspend();
            throw;
        }
    }

    private static bool IsRing(int size) => size is >= (int)NicRegisters.MinRing and <= (int)NicRegisters.MaxRing
        && (size & (size - 1)) == 0;
}
