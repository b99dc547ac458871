using System.Runtime.InteropServices;

namespace Aperture.Linux.Vfio.Abi;

/// <summary>What the type1 IOMMU of a container can do (<c>vfio_iommu_type1_info</c>). 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct VfioIommuInfo
{
    /// <summary>Size of the caller's buffer; on the way back the size that all of the answer needs.</summary>
    public uint ArgumentSize;

    /// <summary>Which fields are valid.</summary>
    public VfioIommuFlags Flags;

    /// <summary>Page sizes, one bit each.</summary>
    public ulong PageSizes;

    /// <summary>Offset of the first capability, or 0.</summary>
    public uint CapabilityOffset;

    /// <summary>Not used.</summary>
    public uint Reserved;
}
