using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Boards.Running;

/// <summary>A master in the hands of its own driver for the length of a scenario; the driver that had it gets it back.</summary>
internal sealed class ClientBinding : IDisposable
{
    private readonly DriverCore _drivers;
    private readonly Device _device;
    private readonly IDriver? _previous; // who had the device before

    /// <summary>Takes the device from its driver and gives it to <paramref name="driver"/>.</summary>
    /// <exception cref="ApertureException">The driver does not take it; the previous one has it again then.</exception>
    public ClientBinding(Machine machine, Device device, IDriver driver)
    {
        _drivers = machine.Drivers;
        _device = device;
        _previous = device.Driver;
        _drivers.Unbind(device);
        if (_drivers.Bind(device, driver))
            return;
        var why = _drivers.WhyUnbound(device);
        Dispose();
        throw new ApertureException(Status.NoDevice, $"{device.Name} could not be bound to {driver.Name}: {why}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _drivers.Unbind(_device);
        if (_previous is not null)
            _drivers.Bind(_device, _previous);
    }
}
