namespace Aperture.Dma.Sanitizer;

/// <summary>What a driver, or its device, did wrong.</summary>
public enum FindingKind
{
    /// <summary>The CPU wrote bytes that the device owned; or wrote its own and did not hand them back before the device used them, or
    /// before a sync or an unmap that brings back what the device sees. Also what another device wrote to memory of which the device
    /// reads an older copy, in a bounce buffer.</summary>
    CpuWriteWithoutSync,

    /// <summary>The CPU took bytes to read them while the device owned them, or while its caches held older bytes than memory.</summary>
    CpuReadBeforeSync,

    /// <summary>The device read memory while the CPU's caches held newer bytes.</summary>
    DeviceReadBehindCache,

    /// <summary>The device used bytes outside a mapping, but in a page that the mapping makes reachable.</summary>
    DeviceOutsideMapping,

    /// <summary>The device used an address after its mapping ended.</summary>
    DeviceUseAfterUnmap,

    /// <summary>The device used an address that nobody mapped: it reached memory, was refused, or found no memory there.</summary>
    DeviceUseOfUnmapped,

    /// <summary>The device read what it may only write, or wrote what it may only read.</summary>
    DeviceAgainstDirection,

    /// <summary>The device used a shared buffer while it was not its turn, or wrote in a turn that reads.</summary>
    DeviceOutOfTurn,

    /// <summary>Bytes that a device wrote and nobody had taken were overwritten by a sync or an unmap, of its own mapping or of another
    /// device's.</summary>
    DeviceWriteLost,

    /// <summary>The device used an address above its mask.</summary>
    DeviceAboveMask,

    /// <summary>The device did DMA while it, or the unit in front of it, was suspended, or had no power or clock.</summary>
    DeviceSuspended,

    /// <summary>The device reached memory that another device has mapped and it has not.</summary>
    DeviceInForeignMapping,

    /// <summary>A mapping was ended that had ended before.</summary>
    DoubleUnmap,

    /// <summary>An address was unmapped that is no mapping's.</summary>
    UnmapOfUnmapped,

    /// <summary>A mapping was ended with another size.</summary>
    WrongSize,

    /// <summary>A mapping was ended or synced with another direction.</summary>
    WrongDirection,

    /// <summary>A mapping was ended or synced through another device.</summary>
    WrongDevice,

    /// <summary>A mapping was ended or synced by a call of another kind, or coherent memory was given to a streaming call.</summary>
    WrongApi,

    /// <summary>A scatterlist was ended or synced with another number of pieces.</summary>
    ScatterCount,

    /// <summary>Bytes were synced that are not wholly inside a mapping.</summary>
    SyncOutsideMapping,

    /// <summary>A mapping failed, nobody looked, and its address was used.</summary>
    FailedMappingUsed,

    /// <summary>A device has the same bytes mapped twice, and writes to at least one of the mappings.</summary>
    OverlappingMappings,

    /// <summary>A mapping that a device behind the CPU's back writes shares a line of the cache with another mapping, or with bytes that
    /// the CPU wrote meanwhile.</summary>
    SharedCacheLine,

    /// <summary>Memory on a stack was mapped.</summary>
    StackMemory,

    /// <summary>Memory that cannot be written was mapped.</summary>
    ReadOnlyMemory,

    /// <summary>Memory that is not the driver memory it says it is, such as an object that the garbage collector may move, was
    /// mapped.</summary>
    MovableMemory,

    /// <summary>A segment is longer than the device says it can handle.</summary>
    SegmentTooLong,

    /// <summary>A segment crosses a boundary that the device says it cannot cross.</summary>
    SegmentAcrossBoundary,

    /// <summary>A driver let go of its device and left mappings or buffers behind.</summary>
    Leak,

    /// <summary>A coherent buffer was given back while a user process had it mapped.</summary>
    FreedWhileMappedToUser,

    /// <summary>Memory was given back while a device had it mapped.</summary>
    FreedWhileMapped,

    /// <summary>Behind one page of the device there is memory that another device has mapped: both reach it.</summary>
    NeighbourReachable,

    /// <summary>There are more live mappings than the sanitizer may remember. From then on it does not judge what it does not
    /// know.</summary>
    TooManyMappings,
}
