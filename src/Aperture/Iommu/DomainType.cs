namespace Aperture.Iommu;

/// <summary>What an address space is for.</summary>
public enum DomainType
{
    /// <summary>No DMA passes.</summary>
    Blocked,

    /// <summary>Device addresses are physical addresses.</summary>
    Identity,

    /// <summary>Whoever made it chooses the device addresses.</summary>
    Unmanaged,

    /// <summary>The DMA API chooses the device addresses; every unmap invalidates at once.</summary>
    Dma,

    /// <summary>As <see cref="Dma"/>, but unmaps are invalidated together, a little later: until then a device may still reach what was
    /// unmapped.</summary>
    DmaDeferred,

    /// <summary>A guest's own tables, over those of another domain (<see cref="NestedDomain"/>).</summary>
    Nested,

    /// <summary>Somebody else's tables, a process's for instance (<see cref="SharedDomain"/>).</summary>
    Shared,
}
