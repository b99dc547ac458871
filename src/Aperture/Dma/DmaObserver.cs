using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

/// <summary>What was called.</summary>
internal enum DmaEventKind
{
    Map,
    MapResource,
    Link,
    Unlink,
    Unmap,
    UnmapResource,
    MapScatter,
    UnmapScatter,
    SyncForCpuBegins,
    SyncForCpu,
    SyncForDevice,
    SyncScatterForCpu,
    SyncScatterForDevice,
    SyncForDeviceEnds,
    CpuOwns,
    Allocate,
    AllocatePages,
    Free,
    FreePages,
    Check,
    MapToUser,
    UnmapFromUser,
    FreeWhileMappedToUser,
    TakeBlock,
    GiveBlock,
    Share,
    TurnBegins,
    TurnEnds,
}

/// <summary>One call of the DMA API: what it was given, what came of it, and where in the driver it stands.</summary>
internal readonly ref struct DmaEvent
{
    public required DmaEventKind Kind { get; init; }

    /// <summary>Tells a mapping from all others of its device, ended ones too; 0 where the call does not know it.</summary>
    public uint Serial { get; init; }

    /// <summary>The device address; of a sync any inside a mapping.</summary>
    public Iova Address { get; init; }

    /// <summary>The memory that the device's accesses go to: a bounce buffer where there is one. Zero when the call does not know
    /// it.</summary>
    public PhysicalAddress Physical { get; init; }

    /// <summary>The memory that the driver gave.</summary>
    public PhysicalAddress Origin { get; init; }

    /// <summary>Where the CPU finds that; 0 when the call does not know it.</summary>
    public nint Pointer { get; init; }

    public ulong Length { get; init; }

    public DmaDirection Direction { get; init; }

    public DmaAttributes Attributes { get; init; }

    /// <summary>How a map or an allocation ended; nothing exists unless it is <see cref="Status.Ok"/>.</summary>
    public Status Status { get; init; }

    public bool IsBounced { get; init; }

    /// <summary>The pieces of a scatterlist.</summary>
    public ReadOnlySpan<MemoryBlock> Memory { get; init; }

    /// <summary>Its segments.</summary>
    public ReadOnlySpan<DmaSegment> Segments { get; init; }

    /// <summary>The caller's source file; empty where the language gives none, as for <c>using</c>.</summary>
    public string File { get; init; }

    /// <summary>The line there, or 0.</summary>
    public int Line { get; init; }
}

/// <summary>Hears of every call of the DMA API: maps and syncs for the CPU after they were done, unmaps, frees and syncs for the device
/// before. Where caches or bounce buffers are between, syncs for the CPU also before, for what the CPU wrote may be gone afterwards, and
/// syncs for the device also after.</summary>
internal abstract class DmaObserver
{
    /// <summary>A call. It may come from any thread.</summary>
    public abstract void OnCall(DmaContext context, in DmaEvent call);

    /// <summary>A piece of memory was mapped: the same as an event, for the common case.</summary>
    /// <returns>The number of the mapping; 0, and nothing is done, when the event has to be told.</returns>
    public virtual unsafe uint TryMap(DmaContext context, Iova address, PhysicalAddress memory, byte* pointer, ulong length,
        DmaDirection direction, bool isSkipped, bool isBounced, string file, int line) => 0;

    /// <summary>The same of a device that finds all memory where it is.</summary>
    /// <returns>As for <see cref="TryMap"/>.</returns>
    public virtual uint TryMapPlain(DmaContext context, in MemoryBlock block, DmaDirection direction, string file, int line) => 0;

    /// <summary>A mapping that was told so is going to be ended.</summary>
    /// <returns>False, and nothing is done, when it has to be told otherwise.</returns>
    public virtual bool TryUnmapPlain(DmaContext context, in DmaMapping mapping, string file, int line) => false;

    /// <summary>A mapping is going to be ended: the same as an event, for the common case.</summary>
    /// <returns>False, and nothing is done, when the event has to be told.</returns>
    public virtual bool TryUnmap(DmaContext context, in DmaMapping mapping, bool isSkipped, string file, int line) => false;

    /// <summary>Who holds most of the device addresses of a context's space, in words; null when nobody knows.</summary>
    public virtual string? DescribeHolders(DmaContext context) => null;

    /// <summary>What holds device addresses, in words; null when nothing does that is known.</summary>
    public virtual string? DescribeHolder(DmaContext context, Iova first, ulong bytes) => null;

    /// <summary>Memory of a device is published no more.</summary>
    public virtual void OnPeerGone(PeerMemory peer, string file, int line)
    {
    }

    /// <summary>The driver lets go of the device: whatever is mapped still is left behind.</summary>
    public abstract void OnDetach(DmaContext context);
}
