namespace Aperture.Datasheets.Virtio;

/// <summary>Features of virtio devices that are used here. Source: VIRTIO 1.2, 6 and 5.2.3.</summary>
[Flags]
public enum VirtioFeatures : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>VIRTIO_BLK_F_SEG_MAX: the configuration says how many segments a request may have.</summary>
    BlockSegmentMax = 1UL << 2,

    /// <summary>VIRTIO_BLK_F_FLUSH: there are requests to flush.</summary>
    BlockFlush = 1UL << 9,

    /// <summary>VIRTIO_F_VERSION_1: the device keeps to version 1 and later.</summary>
    Version1 = 1UL << 32,

    /// <summary>VIRTIO_F_ACCESS_PLATFORM: addresses are what the platform makes of them, an IOMMU included.</summary>
    AccessPlatform = 1UL << 33,
}
