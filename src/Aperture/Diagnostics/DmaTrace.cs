using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;

namespace Aperture.Diagnostics;

/// <summary>Hears of what the IOMMU and DMA APIs do: the events of Linux's <c>iommu</c> and <c>dma</c> trace systems. Each
/// method is a no-op unless overridden. Calls come from any thread.</summary>
public abstract class DmaTrace
{
    /// <summary>A master joined a group.</summary>
    public virtual void AddDeviceToGroup(int group, string device)
    {
    }

    /// <summary>A master left a group.</summary>
    public virtual void RemoveDeviceFromGroup(int group, string device)
    {
    }

    /// <summary>A master was attached to a domain.</summary>
    public virtual void AttachDeviceToDomain(string device)
    {
    }

    /// <summary>A range was mapped.</summary>
    public virtual void Map(Iova iova, PhysicalAddress address, ulong size)
    {
    }

    /// <summary>A range was asked to be unmapped, and so much of it was.</summary>
    public virtual void Unmap(Iova iova, ulong size, ulong unmapped)
    {
    }

    /// <summary>A unit reported a fault.</summary>
    public virtual void IoPageFault(string device, string driver, Iova iova, bool isWrite)
    {
    }

    /// <summary>The DMA API mapped a range, or failed to (<paramref name="address"/> all ones).</summary>
    public virtual void DmaMap(string device, DmaDirection direction, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes)
    {
    }

    /// <summary>The DMA API mapped registers or a peer's memory, or failed to (<paramref name="address"/> all ones).</summary>
    public virtual void DmaMapResource(string device, DmaDirection direction, Iova address, ulong size, PhysicalAddress physical,
        DmaAttributes attributes)
    {
    }

    /// <summary>The DMA API unmapped registers or a peer's memory.</summary>
    public virtual void DmaUnmapResource(string device, DmaDirection direction, Iova address, ulong size, DmaAttributes attributes)
    {
    }

    /// <summary>The DMA API took a bounce buffer. It is told before the mapping that uses it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="mask">The highest device address that it has.</param>
    /// <param name="address">The bus address of the memory that is copied; zero for memory of the managed heap.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="isForced">Whether every mapping of the device bounces.</param>
    public virtual void DmaBounced(string device, Iova mask, Iova address, ulong size, bool isForced)
    {
    }

    /// <summary>The DMA API unmapped a range.</summary>
    public virtual void DmaUnmap(string device, DmaDirection direction, Iova address, ulong size, DmaAttributes attributes)
    {
    }

    /// <summary>The DMA API mapped a scatterlist: its device segments and its memory segments.</summary>
    public virtual void DmaMapScatter(string device, DmaDirection direction, ReadOnlySpan<DmaSegment> segments,
        ReadOnlySpan<MemoryBlock> memory, DmaAttributes attributes)
    {
    }

    /// <summary>The DMA API could not map a scatterlist.</summary>
    public virtual void DmaMapScatterFailed(string device, DmaDirection direction, ReadOnlySpan<MemoryBlock> memory, Status status,
        DmaAttributes attributes)
    {
    }

    /// <summary>The DMA API unmapped a scatterlist.</summary>
    public virtual void DmaUnmapScatter(string device, DmaDirection direction, ReadOnlySpan<MemoryBlock> memory, DmaAttributes attributes)
    {
    }

    /// <summary>Coherent memory was allocated.</summary>
    public virtual void DmaAllocate(string device, Iova address, ulong size, PhysicalAddress physical, DmaAttributes attributes)
    {
    }

    /// <summary>Coherent memory was given back.</summary>
    public virtual void DmaFree(string device, Iova address, ulong size, PhysicalAddress physical, DmaAttributes attributes)
    {
    }
}
