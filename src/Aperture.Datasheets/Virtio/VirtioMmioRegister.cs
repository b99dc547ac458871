namespace Aperture.Datasheets.Virtio;

/// <summary>Registers of a virtio device on a bus of its own ("virtio,mmio"), byte offsets; 32 bits each. Source: Virtual I/O Device
/// (VIRTIO) Version 1.2, OASIS, 4.2.2.</summary>
public static class VirtioMmioRegister
{
    /// <summary>Bytes of registers, configuration included.</summary>
    public const uint Size = 0x200;

    /// <summary>What <see cref="Magic"/> reads: "virt".</summary>
    public const uint MagicValue = 0x74726976;

    /// <summary>What <see cref="Version"/> reads: not the one from before 1.0.</summary>
    public const uint VersionValue = 2;

    /// <summary>MagicValue.</summary>
    public const uint Magic = 0x00;

    /// <summary>Version.</summary>
    public const uint Version = 0x04;

    /// <summary>DeviceID: the kind of device.</summary>
    public const uint DeviceId = 0x08;

    /// <summary>VendorID.</summary>
    public const uint VendorId = 0x0C;

    /// <summary>DeviceFeatures: 32 of them.</summary>
    public const uint DeviceFeatures = 0x10;

    /// <summary>DeviceFeaturesSel: which 32.</summary>
    public const uint DeviceFeaturesSelect = 0x14;

    /// <summary>DriverFeatures: 32 that the driver takes.</summary>
    public const uint DriverFeatures = 0x20;

    /// <summary>DriverFeaturesSel: which 32.</summary>
    public const uint DriverFeaturesSelect = 0x24;

    /// <summary>QueueSel: which queue the registers of a queue mean.</summary>
    public const uint QueueSelect = 0x30;

    /// <summary>QueueNumMax: the most descriptors that it may have; 0 for none.</summary>
    public const uint QueueSizeMax = 0x34;

    /// <summary>QueueNum: the descriptors that it has.</summary>
    public const uint QueueSize = 0x38;

    /// <summary>QueueReady: 1 while it is in use.</summary>
    public const uint QueueReady = 0x44;

    /// <summary>QueueNotify: written with the number of a queue that has something new.</summary>
    public const uint QueueNotify = 0x50;

    /// <summary>InterruptStatus: bit 0, a buffer was used; bit 1, the configuration has changed.</summary>
    public const uint InterruptStatus = 0x60;

    /// <summary>InterruptACK: bits to be cleared.</summary>
    public const uint InterruptAcknowledge = 0x64;

    /// <summary>Status: how far the driver is; 0 resets.</summary>
    public const uint Status = 0x70;

    /// <summary>QueueDescLow: where the descriptors are; the upper half follows.</summary>
    public const uint QueueDescriptors = 0x80;

    /// <summary>QueueDriverLow: where the available ring is; the upper half follows.</summary>
    public const uint QueueDriver = 0x90;

    /// <summary>QueueDeviceLow: where the used ring is; the upper half follows.</summary>
    public const uint QueueDevice = 0xA0;

    /// <summary>ConfigGeneration: changes with the configuration.</summary>
    public const uint ConfigGeneration = 0xFC;

    /// <summary>The configuration of the kind of device.</summary>
    public const uint Configuration = 0x100;
}
