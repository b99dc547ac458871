namespace Aperture.Datasheets.Virtio;

/// <summary>A request to a disk: a header of 16 bytes (kind, reserved, sector), data, and a byte of status. Source: VIRTIO 1.2,
/// 5.2.6.</summary>
public static class VirtioBlockRequest
{
    /// <summary>Bytes of the header.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes of a sector.</summary>
    public const int SectorBytes = 512;

    /// <summary>VIRTIO_BLK_T_IN: the driver reads.</summary>
    public const uint Read = 0;

    /// <summary>VIRTIO_BLK_T_OUT: the driver writes.</summary>
    public const uint Write = 1;

    /// <summary>VIRTIO_BLK_T_FLUSH: what was written is safe afterwards.</summary>
    public const uint Flush = 4;

    /// <summary>VIRTIO_BLK_S_OK.</summary>
    public const byte Ok = 0;

    /// <summary>VIRTIO_BLK_S_IOERR.</summary>
    public const byte Error = 1;

    /// <summary>VIRTIO_BLK_S_UNSUPP.</summary>
    public const byte Unsupported = 2;
}
