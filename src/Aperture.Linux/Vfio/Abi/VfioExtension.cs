namespace Aperture.Linux.Vfio.Abi;

/// <summary>What a container can be asked about, and its kinds of IOMMU.</summary>
internal enum VfioExtension : uint
{
    /// <summary>Type1, in which an unmap may cut mappings in its own way.</summary>
    Type1 = 1,

    /// <summary>Type1, in which an unmap never cuts a mapping.</summary>
    Type1V2 = 3,

    /// <summary>All DMA is coherent with the CPU's caches.</summary>
    CacheCoherent = 4,

    /// <summary>No IOMMU at all.</summary>
    NoIommu = 8,

    /// <summary>Everything can be unmapped in one go.</summary>
    UnmapAll = 9,
}
