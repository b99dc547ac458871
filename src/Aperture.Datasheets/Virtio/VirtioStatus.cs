namespace Aperture.Datasheets.Virtio;

/// <summary>The device status. Source: VIRTIO 1.2, 2.1.</summary>
[Flags]
public enum VirtioStatus : uint
{
    /// <summary>After a reset.</summary>
    None = 0,

    /// <summary>ACKNOWLEDGE: the guest has found the device.</summary>
    Acknowledge = 1,

    /// <summary>DRIVER: it knows how to drive it.</summary>
    Driver = 2,

    /// <summary>DRIVER_OK: the driver is ready.</summary>
    DriverOk = 4,

    /// <summary>FEATURES_OK: they agree on features.</summary>
    FeaturesOk = 8,

    /// <summary>DEVICE_NEEDS_RESET: the device has met an error that it cannot recover from.</summary>
    NeedsReset = 0x40,

    /// <summary>FAILED: the guest has given the device up.</summary>
    Failed = 0x80,
}
