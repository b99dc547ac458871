using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>A device while one driver has it: what all of that driver's mappings have in common.</summary>
/// <param name="device">The device.</param>
internal sealed class DeviceStay(Device device)
{
    /// <summary>The device.</summary>
    public Device Device { get; } = device;

    /// <summary>Its driver, or null. When the driver lets go, the device does not know it any more.</summary>
    public IDriver? Driver { get; } = device.Driver;

    /// <summary>The driver's name, or null.</summary>
    public string? DriverName { get; } = device.Driver?.Name;
}
