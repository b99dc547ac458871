using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>A mapping that has not ended. Used again and again.</summary>
internal sealed unsafe class LiveMapping
{
    public MappingRecord Record;                  // what the findings show
    public Device Device = null!;                 // for which it was made
    public SpaceWatch Space = null!;              // where its device addresses lie
    public byte* Pointer;                         // where the CPU finds the memory; null when it is not known
    // what the bytes were when they changed hands, with what devices wrote since; null when not watched
    public byte[]? Copy;
    public long Scatter;                          // which scatterlist, or allocation in pieces, it belongs to; 0 for none
    public int ScatterCount;                      // pieces of that list
    public bool IsCached;                         // the CPU's caches stand between it and the device
    public bool IsFreed;                          // its memory, or a part, was given back, and that was told
    public readonly OwnedRanges Owned = new();    // what was synced for the CPU and not given back

    public Iova Address => Record.Address;

    public ulong Length => Record.Length;

    public ulong Start => Record.Address.Value;

    public ulong Last => Record.Last;

    public PhysicalAddress Memory => Record.Memory;

    public ulong MemoryLast => Record.Memory.Value + (Record.Length - 1);

    public bool IsStreaming => Record.Api is MappingApi.Single or MappingApi.Scatter or MappingApi.Pages;

    public bool Contains(ulong first, ulong last) => Start <= first && last <= Last;

    public ReadOnlySpan<byte> Cpu(ulong from, ulong to) => new(Pointer + from, (int)(to - from));

    public Span<byte> CopyOf(ulong from, ulong to) => Copy.AsSpan((int)from, (int)(to - from));
}
