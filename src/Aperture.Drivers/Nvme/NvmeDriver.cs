using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Devices;

namespace Aperture.Drivers.Nvme;

/// <summary>Driver of NVMe controllers: the registers are the device's first region, its interrupts one for each vector, or a single one
/// for all, or none: then it is polled.</summary>
/// <remarks>On PCI it is every function of class 0x010802: NVM Express, whoever made it. On a board without PCI the controller's node is
/// <c>compatible</c> with <c>aperture,nvme</c>, which is this project's own name.</remarks>
public sealed class NvmeDriver : IDriver
{
    private readonly TimeProvider _time;
    private readonly NvmeDriverOptions _options;

    /// <summary>A driver.</summary>
    /// <param name="time">What the driver waits by; the system's time when null.</param>
    /// <param name="options">Queues, buffers and limits; null for the defaults.</param>
    /// <param name="compatible">The <c>compatible</c> strings of the devices that are such controllers; null for
    /// <c>aperture,nvme</c> and the class of PCI.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: an option is out of its range.</exception>
    public NvmeDriver(TimeProvider? time = null, NvmeDriverOptions? options = null, IReadOnlyList<string>? compatible = null)
    {
        _time = time ?? TimeProvider.System;
        _options = options ?? new NvmeDriverOptions();
        _options.Validate();
        Compatible = compatible ?? ["aperture,nvme", NvmeRegister.PciCompatible];
    }

    /// <inheritdoc/>
    public string Name => "nvme";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; }

    /// <summary>Takes a controller over; the result is an <see cref="NvmeClient"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: no registers, or nothing answers;
    /// <see cref="Status.NotSupported"/>: not the NVM command set, or no pages of 4096 bytes; <see cref="Status.TimedOut"/>: it does not
    /// become ready or does not end a command; <see cref="Status.IoError"/>: it fails.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no registers");
        device.Dma.SetMask(64);
        var client = new NvmeClient(device, _time, _options);
        client.RuntimeResume();
        try
        {
            client.Start();
            device.Manage(device.Power.Hold());
            return client;
        }
        catch
        {
            client.Remove();
            throw;
        }
    }
}
