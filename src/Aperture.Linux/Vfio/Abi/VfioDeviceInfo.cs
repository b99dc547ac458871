using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>What a device offers (<c>vfio_device_info</c>). 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDeviceInfo
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>Its kind.</summary>
    public VfioDeviceFlags Flags;

    /// <summary>Number of regions.</summary>
    public uint RegionCount;

    /// <summary>Number of interrupt indexes.</summary>
    public uint InterruptCount;

    /// <summary>Offset of the first capability, or 0.</summary>
    public uint CapabilityOffset;

    /// <summary>Not used.</summary>
    public uint Reserved;
}
