using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Memory;

namespace Aperture.Devices;

/// <summary>A region of reserved memory that a device's description refers to (<c>memory-region</c>): a pool for its buffers, or a
/// carve-out that its driver uses as it is.</summary>
/// <param name="index">Its place in the list.</param>
/// <param name="name">Its name there (<c>memory-region-names</c>), or the empty string.</param>
/// <param name="range">Where it lies; of no length when it is nowhere.</param>
/// <param name="memory">Its bytes; null where there is no memory, or more than one block can be.</param>
/// <param name="pool">What gives out parts of it; null for a carve-out.</param>
public sealed class DeviceRegion(int index, string name, MemoryRange range, MemoryBlock? memory, SystemMemory? pool)
{
    /// <summary>Its place in the list of regions.</summary>
    public int Index { get; } = index;

    /// <summary>Its name there, or the empty string.</summary>
    public string Name { get; } = name;

    /// <summary>Where it lies; of no length when it is nowhere: disabled, or not placed.</summary>
    public MemoryRange Range { get; } = range;

    /// <summary>Whether there is memory, which the CPU can reach: also of a region that is not mapped otherwise (<c>no-map</c>).</summary>
    public bool HasMemory => memory is not null;

    /// <summary>What gives out parts of it (<see cref="Dma.DmaContext.AllocateFrom"/>); null for a carve-out.</summary>
    public SystemMemory? Pool { get; } = pool;

    /// <summary>All of it, to be filled, and mapped like any memory, at a device address of the driver's choice for instance. Of a pool
    /// only what nobody allocates may be used so.</summary>
    /// <exception cref="ApertureException"><see cref="Status.BadAddress"/>: there is no memory, or it is larger than one block can
    /// be.</exception>
    public MemoryBlock Memory => memory ?? throw new ApertureException(
        Status.BadAddress, $"{this} has no memory that can be touched as one block: it is disabled, lies outside RAM, or is too large");

    /// <summary>Number, name and place.</summary>
    public override string ToString() =>
        $"memory region {Index}{(Name.Length > 0 ? $" '{Name}'" : "")} ({(Range.Length > 0 ? Range.ToString() : "nowhere")})";
}
