namespace Aperture.Devices;

/// <summary>Runtime power of a device.</summary>
public sealed class RuntimePower
{
    private readonly Device _device;
    private readonly List<Device> _suppliers = []; // must be active while this device is

    internal RuntimePower(Device device) => _device = device;

    /// <summary>Whether the device has power and clocks and its driver has brought it up.</summary>
    public bool IsActive { get; private set; }

    /// <summary>The devices that must be active while this one is.</summary>
    public IReadOnlyList<Device> Suppliers => _suppliers;

    /// <summary>Makes this device depend on another one's power.</summary>
    public void AddSupplier(Device supplier) => _suppliers.Add(supplier);

    /// <summary>Takes such a dependency back.</summary>
    public void RemoveSupplier(Device supplier) => _suppliers.Remove(supplier);

    /// <summary>Holds the device active.</summary>
    public void Get()
    {
        IsActive = true;
        _device.Bound?.RuntimeResume();
    }

    /// <summary>Lets it go.</summary>
    public void Put()
    {
        _device.Bound?.RuntimeSuspend();
        IsActive = false;
    }
}
