using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>Mappings to be removed (<c>vfio_iommu_type1_dma_unmap</c>). 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioDmaUnmap
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>What to remove.</summary>
    public VfioUnmapFlags Flags;

    /// <summary>The first device address.</summary>
    public ulong Iova;

    /// <summary>Bytes; on the way back what was removed.</summary>
    public ulong Size;
}
