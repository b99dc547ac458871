using Aperture.Core;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Operations;

/// <summary>How a device reaches memory: directly, through an IOMMU, by bounce buffers, or not at all. Chosen once, when the
/// device is attached or says how many address bits it has; the one virtual call of each DMA operation. Caches, observers and
/// figures are <see cref="DmaContext"/>'s.</summary>
internal abstract class DmaOperations
{
    /// <summary>What a streaming mapping may wish for on every path.</summary>
    protected const DmaAttributes CommonMapAttributes = DmaAttributes.SkipCpuSync | DmaAttributes.NoWarn
        | DmaAttributes.DebuggingIgnoreCachelines | DmaAttributes.RequireCoherent | DmaAttributes.CcShared;

    /// <summary>For messages: <c>direct</c>, <c>iommu</c>, <c>bounce</c>, <c>iommu+bounce</c>, <c>none</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether device addresses are the bus's own: where memory lies matters.</summary>
    public abstract bool IsDirect { get; }

    /// <summary>What a streaming mapping may wish for.</summary>
    public abstract DmaAttributes MapAttributes { get; }

    /// <summary>The bounce buffers that mappings may end up in, or null.</summary>
    public virtual BouncePool? Bounce => null;

    /// <summary>One less than the granule at whose borders pieces of a scatterlist can be joined; 0 where they are not.</summary>
    public virtual ulong MergeBoundary => 0;

    /// <summary>Bytes that become reachable together: the smallest page of an IOMMU; 1 where the device reaches whatever its bus
    /// does.</summary>
    public virtual ulong Granule => 1;

    /// <summary>The largest single mapping that is sure to succeed in form, in bytes.</summary>
    public virtual ulong MaxMappingSize(DmaContext context) => ulong.MaxValue;

    /// <summary>The largest mapping that is served fast, in bytes.</summary>
    public virtual ulong OptimalMappingSize(DmaContext context) => MaxMappingSize(context);

    /// <summary>Makes memory reachable for the device.</summary>
    /// <param name="context">The device's DMA context, for masks and limits.</param>
    /// <param name="source">The memory; replaced when the device uses other memory instead.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes, of <see cref="MapAttributes"/> only.</param>
    /// <param name="address">Where the device finds it.</param>
    public abstract Status Map(DmaContext context, ref DmaSource source, DmaDirection direction, DmaAttributes attributes,
        out Iova address);

    /// <summary>Makes memory reachable at a given device address.</summary>
    public abstract Status MapAt(DmaContext context, in DmaSource source, Iova address, DmaDirection direction, DmaAttributes attributes);

    /// <summary>Ends a mapping of <paramref name="bytes"/> at <paramref name="address"/>: the device cannot reach it any more (deferred
    /// flush: soon). A bounce buffer stays for the caller to copy back and release.</summary>
    /// <returns>A failure: a unit could not be told, and the device may still reach the memory
    /// (<see cref="Iommu.IommuDomain.WhenInvalidated"/>). The other unmaps here say the same.</returns>
    public abstract Status Unmap(DmaContext context, Iova address, ulong bytes);

    /// <summary>The memory that a device address leads to.</summary>
    /// <param name="context">The device's DMA context.</param>
    /// <param name="address">The device address.</param>
    /// <param name="bytes">Bytes wanted.</param>
    /// <param name="physical">The memory.</param>
    /// <param name="run">How many of the bytes lie there in one piece.</param>
    public abstract bool TryResolve(DmaContext context, Iova address, ulong bytes, out PhysicalAddress physical, out ulong run);

    /// <summary>Maps a scatterlist.</summary>
    /// <param name="context">The device's DMA context.</param>
    /// <param name="memory">The pieces of memory.</param>
    /// <param name="segments">At least as many places as pieces.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes, of <see cref="MapAttributes"/> only.</param>
    /// <param name="count">Number of segments written.</param>
    /// <param name="isBounced">Whether the device uses bounce buffers for some of it: there is one segment for each piece that is not
    /// empty.</param>
    public abstract Status MapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments,
        DmaDirection direction, DmaAttributes attributes, out int count, out bool isBounced);

    /// <summary>Ends the mapping of a scatterlist.</summary>
    /// <param name="context">The device's DMA context.</param>
    /// <param name="memory">The pieces that were mapped.</param>
    /// <param name="segments">The segments that came of it.</param>
    /// <param name="boundary">The segment boundary mask at the time of the map.</param>
    /// <param name="isBounced">What the map said.</param>
    public abstract Status UnmapScatter(DmaContext context, ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments,
        ulong boundary, bool isBounced);

    /// <summary>Makes registers or memory of another device reachable. Never cached, never copied.</summary>
    public abstract Status MapResource(DmaContext context, PhysicalAddress physical, ulong bytes, DmaDirection direction,
        DmaAttributes attributes, out Iova address);

    /// <summary>Ends such a mapping.</summary>
    public abstract Status UnmapResource(DmaContext context, Iova address, ulong bytes);

    /// <summary>Makes allocated memory reachable, by the coherent mask, for both directions.</summary>
    /// <param name="context">The device's DMA context.</param>
    /// <param name="pieces">Pieces of whole pages.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="address">Where the device finds them, one behind the other.</param>
    /// <param name="mapped">Bytes of device address space taken.</param>
    public abstract Status MapAllocation(DmaContext context, ReadOnlySpan<MemoryBlock> pieces, DmaAttributes attributes,
        DmaDirection direction, out Iova address, out ulong mapped);

    /// <summary>Ends such a mapping.</summary>
    public abstract Status UnmapAllocation(DmaContext context, Iova address, ulong mapped);
}
