using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Drivers.Omap3Isp;

/// <summary>Driver of the OMAP3 camera ISP, capture path.</summary>
public sealed class Omap3IspDriver : IDriver
{
    /// <inheritdoc/>
    public string Name => "omap3-isp";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["ti,omap3-isp"];

    /// <summary>Takes an ISP over; the result is an <see cref="Omap3IspStream"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: registers or interrupt are missing.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0 || device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no registers or no interrupt");
        device.Dma.SetMask(32);
        var stream = new Omap3IspStream(device);
        device.Manage(device.Interrupts[0].Request(stream.OnInterrupt));
        stream.RuntimeResume();
        return stream;
    }
}
