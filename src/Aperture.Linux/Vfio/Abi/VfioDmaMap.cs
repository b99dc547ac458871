using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>A mapping to be made (<c>vfio_iommu_type1_dma_map</c>). 32 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaMap
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>Rights.</summary>
    public VfioMapFlags Flags;

    /// <summary>Where the memory is in this process.</summary>
    public ulong Address;

    /// <summary>The device address.</summary>
    public ulong Iova;

    /// <summary>Bytes.</summary>
    public ulong Size;
}
