using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>A mapping that has not ended. Used again and again.</summary>
internal sealed unsafe class LiveMapping
{
    public MappingRecord Record;                  // what the findings show
    public Device Device = null!;                 // for which it was made
    public SpaceWatch Space = null!;              // where its device addresses lie
    public int Index;                             // among the live ones of its space
    public bool IsLazy;                           // its copy is taken when the CPU takes the memory
    public uint Serial;                           // tells it from all others of its device; 0 when that is not known
    public byte* Pointer;                         // where the CPU finds the memory; null when it is not known
    // what the bytes were when they changed hands, with what devices wrote since; null when not watched. Before and behind them lie the
    // bytes that share the first and the last line of the cache
    public byte[]? Copy;
    public int Lead;                              // how many before
    public int Tail;                              // and behind
    public long Scatter;                          // which scatterlist, or allocation in pieces, it belongs to; 0 for none
    public int ScatterCount;                      // pieces of that list
    public bool IsCached;                         // the CPU's caches stand between it and the device
    public bool IgnoresLines;                     // its driver says that the CPU writes nothing in the lines that it shares
    public bool IsAnyTime;                        // the CPU and the device may both touch the bytes at any time
    public bool IsFreed;                          // its memory, or a part, was given back, and that was told
    public bool SharesLine;                       // with another mapping, which was told where it matters
    public bool IsArena;                          // coherent memory that is given out in blocks
    public CallSite Cut;                          // where a stale copy of another mapping ended it
    public readonly ByteRanges Owned = new(covers: true);   // what was synced for the CPU and not given back
    public readonly ByteRanges Fresh = new(covers: false);  // what the device wrote and the CPU has not taken since
    public readonly ByteRanges Told = new(covers: false);   // what the CPU wrote there was told, and is in its caches still

    public List<Device>? Sharers;                 // of a shared buffer: who takes part
    public List<(Device Device, bool Writes)>? Turns; // and whose turn it is

    public Iova Address => Record.Address;

    public ulong Length => Record.Length;

    public ulong Start => Record.Address.Value;

    public ulong Last => Record.Last;

    public PhysicalAddress Memory => Record.Memory;

    public ulong MemoryLast => Record.Memory.Value + (Record.Length - 1);

    public bool IsStreaming => Record.Api is MappingApi.Single or MappingApi.Scatter or MappingApi.Pages;

    public bool Contains(ulong first, ulong last) => Start <= first && last <= Last;

    // Offsets are from the first byte; those that share its line lie before 0.

    public ReadOnlySpan<byte> Cpu(long from, long to) => new(Pointer + from, (int)(to - from));

    public Span<byte> CopyOf(long from, long to) => Copy.AsSpan((int)(from + Lead), (int)(to - from));

    public ReadOnlySpan<byte> Cpu(ulong from, ulong to) => Cpu((long)from, (long)to);

    public Span<byte> CopyOf(ulong from, ulong to) => CopyOf((long)from, (long)to);

    public PhysicalAddress MemoryAt(long offset) => new(Record.Memory.Value + (ulong)offset);
}
