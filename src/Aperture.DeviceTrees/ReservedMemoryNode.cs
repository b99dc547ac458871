using System.Collections.Immutable;
using Aperture.Core.Memory;

namespace Aperture.DeviceTrees;

/// <summary>A region below <c>/reserved-memory</c>: at a fixed place, or of a size to be placed at boot.</summary>
/// <param name="Node">The region's node.</param>
/// <param name="Ranges">Where it lies; empty for one that is placed at boot.</param>
/// <param name="Size">Bytes of a region that is placed at boot; zero for a fixed one.</param>
/// <param name="Alignment">The alignment in bytes for placing; zero when the tree asks for none.</param>
/// <param name="AllocationRanges">Where it may be placed; empty when anywhere.</param>
public sealed record ReservedMemoryNode(
    DeviceTreeNode Node, ImmutableArray<MemoryRange> Ranges, ulong Size, ulong Alignment, ImmutableArray<MemoryRange> AllocationRanges)
{
    /// <summary>Whether the region's place is open until boot.</summary>
    public bool IsDynamic => Ranges.IsEmpty && Size != 0;

    /// <summary>Whether the CPU must not map the region (<c>no-map</c>).</summary>
    public bool IsUnmapped => Node.Has("no-map");

    /// <summary>Whether the system may use the region for movable pages until its owner needs it (<c>reusable</c>).</summary>
    public bool IsReusable => Node.Has("reusable");

    /// <summary>Whether the region is a pool for its devices' DMA buffers (<c>shared-dma-pool</c>).</summary>
    public bool IsSharedDmaPool => Node.IsCompatible("shared-dma-pool");
}
