namespace Aperture.Dma.Sanitizer;

/// <summary>What to do about each kind of finding.</summary>
internal static class FindingAdvice
{
    public static string For(FindingKind kind) => kind switch
    {
        FindingKind.CpuWriteWithoutSync => "write before the map, or between SyncForCpu and SyncForDevice of the bytes that you write",
        FindingKind.CpuReadBeforeSync =>
            "unmap, or call SyncForCpu for the bytes, before you look at them; take only the slice that you synced",
        FindingKind.DeviceReadBehindCache => "let the map or SyncForDevice clean the caches: use SkipCpuSync only when you sync yourself",
        FindingKind.DeviceOutsideMapping => "check the length that the device is programmed with against the mapping",
        FindingKind.DeviceUseAfterUnmap => "stop the device, or wait until it is done with the buffer, before the unmap",
        FindingKind.DeviceUseOfUnmapped =>
            "map memory before its address is given to the device; check the address that the device is programmed with",
        FindingKind.DeviceAgainstDirection => "map with the direction in which the device moves the bytes, or Bidirectional",
        FindingKind.DeviceOutOfTurn => "begin a turn of the right direction before the DMA is started, and end it when it is done",
        FindingKind.DeviceWriteLost => "take the bytes with SyncForCpu before they are given back with SyncForDevice",
        FindingKind.DeviceAboveMask => "call SetMask before the first map and allocation, with the bits that the device has",
        FindingKind.DeviceSuspended => "hold the device's power from before the DMA is started until it is done",
        FindingKind.DeviceInForeignMapping => "give each device addresses from its own Map",
        FindingKind.DoubleUnmap => "dispose each mapping once; do not copy the struct to two owners",
        FindingKind.UnmapOfUnmapped => "unmap the address that the map returned",
        FindingKind.WrongSize => "unmap with the length of the map",
        FindingKind.WrongDirection => "use the direction of the map",
        FindingKind.WrongDevice => "use the device of the map",
        FindingKind.WrongApi => "end and sync a mapping by the calls of the kind that made it; coherent memory needs no mapping",
        FindingKind.ScatterCount => "unmap and sync with the pieces that were mapped, not with the segments that came of them",
        FindingKind.SyncOutsideMapping => "sync only bytes inside one live mapping",
        FindingKind.FailedMappingUsed => "look at the result of TryMap, or at IsMapped, before the address is given to the device",
        FindingKind.OverlappingMappings => "map memory once for each device, or map it to the device only",
        FindingKind.SharedCacheLine => "give buffers that a device writes whole cache lines: align start and length to CacheAlignment",
        FindingKind.StackMemory => "allocate from Dma.Memory; a stack frame is gone before the device is done",
        FindingKind.ReadOnlyMemory => "copy constant data to memory from Dma.Memory",
        FindingKind.MovableMemory => "allocate from Dma.Memory; other memory may move, and the device does not notice",
        FindingKind.SegmentTooLong => "cut the pieces to the longest segment of the device, or raise the limit if the device can do more",
        FindingKind.SegmentAcrossBoundary => "cut the pieces at the boundary, or allocate them aligned",
        FindingKind.Leak => "dispose mappings and buffers in Remove, or hand them to Device.Manage",
        FindingKind.FreedWhileMappedToUser => "unmap the buffer from the user process before it is freed",
        FindingKind.FreedWhileMapped => "unmap memory before it is freed",
        FindingKind.NeighbourReachable => "give the buffer pages of its own, or let the device bounce (untrusted devices)",
        _ => "raise MaxMappings, or look for a leak",
    };
}
