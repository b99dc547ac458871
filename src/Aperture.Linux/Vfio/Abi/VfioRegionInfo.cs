using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>One region of a device (<c>vfio_region_info</c>). 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioRegionInfo
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>What can be done with it.</summary>
    public VfioRegionFlags Flags;

    /// <summary>Which region; set by the caller.</summary>
    public uint Index;

    /// <summary>Offset of the first capability, or 0.</summary>
    public uint CapabilityOffset;

    /// <summary>Bytes; 0 for a region that is not there.</summary>
    public ulong Size;

    /// <summary>Where it starts in the device's file.</summary>
    public ulong Offset;
}
