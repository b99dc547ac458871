namespace Aperture.Boards;

/// <summary>What a reserved region is to the devices that refer to it.</summary>
internal enum PoolKind
{
    /// <summary>Coherent memory comes from it alone (<c>shared-dma-pool</c>, <c>no-map</c>).</summary>
    Coherent,

    /// <summary>Contiguous memory comes from it alone (<c>shared-dma-pool</c>, <c>reusable</c>).</summary>
    Contiguous,

    /// <summary>All DMA is bounced through it (<c>restricted-dma-pool</c>).</summary>
    Bounce,
}
