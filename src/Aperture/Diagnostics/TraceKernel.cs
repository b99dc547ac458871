namespace Aperture.Diagnostics;

/// <summary>Whose trace text is written: names of events change from kernel to kernel.</summary>
public enum TraceKernel
{
    /// <summary>Before Linux 6.18: also <c>dma_map_page</c>, <c>dma_unmap_page</c>, <c>dma_map_resource</c>, <c>dma_unmap_resource</c>, as
    /// recorded from 6.12.</summary>
    Linux612,

    /// <summary>From Linux 6.18 on: <c>dma_map_phys</c> and <c>dma_unmap_phys</c>, as recorded from 7.2, also for registers, which have
    /// the attribute <c>MMIO</c>.</summary>
    Linux618,

    /// <summary>Before Linux 6.12: the IOMMU's events and <c>swiotlb_bounced</c>, as recorded from 6.1; of the DMA API there are
    /// none.</summary>
    Linux61,
}
