using Aperture.Core;
using Aperture.Datasheets.Sd;
using Aperture.Devices;

namespace Aperture.Drivers.Sd;

/// <summary>Driver of standard SD host controllers, with ADMA2. Registers and interrupt are the device's number 0.</summary>
public sealed class SdHostDriver : IDriver
{
    private readonly TimeProvider? _time;

    /// <summary>A driver.</summary>
    /// <param name="compatible">The <c>compatible</c> strings of the devices that are such controllers.</param>
    /// <param name="time">The machine's time, which passes while a controller is waited for; null for controllers that do a command at
    /// once.</param>
    public SdHostDriver(IReadOnlyList<string> compatible, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(compatible);
        Compatible = compatible;
        _time = time;
    }

    /// <inheritdoc/>
    public string Name => "sdhci";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; }

    /// <summary>Takes a controller over and brings its card up; the result is an <see cref="SdBlockDevice"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: registers, interrupt, ADMA2 or the card are missing;
    /// <see cref="Status.IoError"/>: the card does not answer as it must.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0 || device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no registers or no interrupt");
        device.Dma.SetMask(32);
        device.Dma.SetMaxSegmentSize(SdhciAdmaDescriptor.MaxLength);
        var disk = new SdBlockDevice(device, _time);
        try
        {
            device.Manage(device.Interrupts[0].Request(disk.OnInterrupt));
            disk.RuntimeResume();
            disk.Start();
            return disk;
        }
        catch
        {
            disk.Remove();
            throw;
        }
    }
}
