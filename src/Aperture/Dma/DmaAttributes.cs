namespace Aperture.Dma;

/// <summary>Wishes for an allocation or a mapping. The bits are the field's own. What a device's operations cannot honour they refuse
/// with <see cref="Core.Status.NotSupported"/>; none is passed over.</summary>
[Flags]
public enum DmaAttributes : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Accesses may overtake each other. No path here can promise to make use of it: always refused.</summary>
    WeakOrdering = 1 << 1,

    /// <summary>Allocations: the CPU may write without the cache but combined. Memory for devices that snoop stays cached, which is no
    /// weaker.</summary>
    WriteCombine = 1 << 2,

    /// <summary>Allocations: the CPU does not touch the memory, and gets no view of it.</summary>
    NoKernelMapping = 1 << 4,

    /// <summary>Mappings: no cache maintenance at map and unmap, and no copy back from a bounce buffer at unmap. The copy into a bounce
    /// buffer at map is made all the same.</summary>
    SkipCpuSync = 1 << 5,

    /// <summary>Allocations: one piece of physical memory.</summary>
    ForceContiguous = 1 << 6,

    /// <summary>Allocations of pieces: single pages, no effort for larger ones.</summary>
    AllocSinglePages = 1 << 7,

    /// <summary>A failure is a result only: it is not announced to event listeners.</summary>
    NoWarn = 1 << 8,

    /// <summary>Privileged accesses only, where the unit can tell.</summary>
    Privileged = 1 << 9,

    /// <summary>Mappings: the physical addresses are registers, or memory of another device, and no RAM. There is no cache maintenance, no
    /// bounce buffer, and buses do not move such addresses. RAM is refused.</summary>
    Mmio = 1 << 10,

    /// <summary>Mappings: the CPU writes no byte of the cache lines that this mapping shares with others while it lasts, so that small
    /// buffers may share lines although the device does not snoop. All mappings in a line say so, or the sanitizer reports them.</summary>
    DebuggingIgnoreCachelines = 1 << 11,

    /// <summary>Mappings: the device and the CPU see each other's writes at any time while the mapping lasts, without a sync. Refused where
    /// caches would have to be maintained or a bounce buffer be used.</summary>
    RequireCoherent = 1 << 12,

    /// <summary>Mappings: the memory is shared with the outside of a confidential machine (<see cref="Memory.SystemMemory.Share"/>), so
    /// that nothing stands in for it. Private memory is refused instead of bounced. With <see cref="Mmio"/>: shared registers.</summary>
    CcShared = 1 << 13,
}
