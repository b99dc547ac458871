using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

/// <summary>A mapping that has not ended, or one of the last that have. Used again and again, always in the same space.</summary>
/// <param name="space">Where its device addresses lie.</param>
/// <param name="slot">Its number there, from 1.</param>
internal sealed unsafe class LiveMapping(SpaceWatch space, int slot)
{
    public readonly SpaceWatch Space = space;     // where its device addresses lie
    public readonly int Slot = slot;              // its number there, from 1
    public int NextOnFirst;                       // the next mapping on the page of memory that holds its first byte; 0 for none
    public int NextOnLast;                        // and on that of its last byte, where that is another page

    // what the findings show
    public DeviceStay Stay = null!;               // for whom it was made
    public Iova Address;                          // the first device address
    public ulong Length;                          // bytes
    public PhysicalAddress Memory;                // the memory that the driver gave
    public uint Serial;                           // tells it from all others of its device; 0 when that is not known
    public string MadeFile = "";                  // where it was made
    public int MadeLine;
    public long MadeAt;                           // the number of the call
    public string EndedFile = "";                 // where it ended
    public int EndedLine;
    public long EndedAt;                          // the number of that call

    public byte* Pointer;                         // where the CPU finds the memory; null when it is not known
    // what the bytes were when they changed hands, with what devices wrote since; null when not watched. Before and behind them lie the
    // bytes that share the first and the last line of the cache
    public byte[]? Copy;
    public int Lead;                              // how many before
    public int Tail;                              // and behind
    public long Scatter;                          // which scatterlist, or allocation in pieces, it belongs to; 0 for none
    public int ScatterCount;                      // pieces of that list
    public readonly ByteRanges Owned = new(covers: true);   // what was synced for the CPU and not given back
    public readonly ByteRanges Fresh = new(covers: false);  // what the device wrote and the CPU has not taken since
    public readonly ByteRanges Brought = new(covers: true); // what other devices put into the memory, beside what this one sees
    public readonly ByteRanges Told = new(covers: false);   // what the CPU wrote there was told, and is in its caches still

    public bool IsGathered;                       // whether it is coherent memory in several pieces
    public bool IsManaged;                        // whether it is managed memory: its bounce buffer stands for it

    public List<Device>? Sharers;                 // of a shared buffer: who takes part
    public List<(Device Device, bool Writes)>? Turns; // and whose turn it is

    private uint _kind;                           // traits; from bit 16 on the direction, from bit 24 on the API: written at once

    public Device Device => Stay.Device;

    /// <summary>What it is; how it ended once it has.</summary>
    public MappingTraits Traits
    {
        get => (MappingTraits)(_kind & ushort.MaxValue);
        set => _kind = (_kind & ~(uint)ushort.MaxValue) | (uint)value;
    }

    /// <summary>Which way the bytes go.</summary>
    public DmaDirection Direction => (DmaDirection)(byte)(_kind >> 16);

    /// <summary>Which calls made it.</summary>
    public MappingApi Api => (MappingApi)(_kind >> 24);

    /// <summary>How it ended.</summary>
    public MappingEnd End => (Traits & MappingTraits.Unmapped) != 0 ? MappingEnd.Unmapped
        : (Traits & MappingTraits.Leaked) != 0 ? MappingEnd.Leaked : MappingEnd.Live;

    public ulong Start => Address.Value;

    public ulong Last => Address.Value + (Length - 1);

    public ulong MemoryLast => Memory.Value + (Length - 1);

    public CallSite Made => new(MadeFile, MadeLine);

    public bool IsLive => (Traits & MappingTraits.Live) != 0;

    public bool IsIndexed => (Traits & MappingTraits.Indexed) != 0;

    public bool IsBounced => (Traits & MappingTraits.Bounced) != 0;

    public bool IsLazy => (Traits & MappingTraits.Lazy) != 0;

    public bool IsCached => (Traits & MappingTraits.Cached) != 0;

    public bool IsAnyTime => (Traits & MappingTraits.AnyTime) != 0;

    public bool IsFreed => (Traits & MappingTraits.Freed) != 0;

    public bool SharesLine => (Traits & MappingTraits.SharesLine) != 0;

    public bool IsArena => (Traits & MappingTraits.Arena) != 0;

    public bool IsStreaming => Api is MappingApi.Single or MappingApi.Scatter or MappingApi.Pages;

    /// <summary>Whether the memory behind it is one piece that drivers have a view of.</summary>
    public bool HasMemory => IsStreaming || (Api == MappingApi.Coherent && !IsGathered);

    /// <summary>The story so far.</summary>
    public MappingRecord Record => new()
    {
        Device = Stay.Device.Name,
        Driver = Stay.DriverName,
        Address = Address,
        Length = Length,
        Memory = Memory,
        Direction = Direction,
        Api = Api,
        IsBounced = IsBounced,
        Serial = Serial,
        Made = Made,
        MadeAt = MadeAt,
        End = End,
        Ended = End == MappingEnd.Live ? default : new CallSite(EndedFile, EndedLine),
        EndedAt = End == MappingEnd.Live ? 0 : EndedAt,
    };

    public bool Contains(ulong first, ulong last) => Start <= first && last <= Last;

    public bool Overlaps(ulong first, ulong last) => Start <= last && first <= Last;

    /// <summary>The next mapping on a page of memory that this one lies on; 0 for none.</summary>
    public int NextOn(ulong page) => page == Memory.Value >> PageIndex.Shift ? NextOnFirst
        : page == MemoryLast >> PageIndex.Shift ? NextOnLast : 0;

    /// <summary>Sets that for its first and its last page; in between it is the only one.</summary>
    public void SetNextOn(ulong page, int next)
    {
        if (page == Memory.Value >> PageIndex.Shift)
            NextOnFirst = next;
        else if (page == MemoryLast >> PageIndex.Shift)
            NextOnLast = next;
    }

    /// <summary>What it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetKind(MappingApi api, DmaDirection direction, MappingTraits traits) =>
        _kind = ((uint)api << 24) | ((uint)direction << 16) | (uint)traits;

    /// <summary>For whom it is made, and where. Mostly the same again: a reference that does not change is not written, which spares the
    /// collector's bookkeeping.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetMade(DeviceStay stay, string file)
    {
        if (Stay != stay || !ReferenceEquals(MadeFile, file))
            SetMadeAnew(stay, file);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void SetMadeAnew(DeviceStay stay, string file) => (Stay, MadeFile) = (stay, file);

    /// <summary>The place where it was made.</summary>
    public void SetMade(string file, int line, long at)
    {
        if (!ReferenceEquals(MadeFile, file))
            MadeFile = file;
        (MadeLine, MadeAt) = (line, at);
    }

    /// <summary>It ends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void SetEnded(MappingEnd end, string file, int line, long at)
    {
        if (!ReferenceEquals(EndedFile, file))
            EndedFile = file;
        (EndedLine, EndedAt) = (line, at);
        Traits = end == MappingEnd.Unmapped ? MappingTraits.Unmapped : MappingTraits.Leaked;
    }

    // Offsets are from the first byte; those that share its line lie before 0.

    public ReadOnlySpan<byte> Cpu(long from, long to) => new(Pointer + from, (int)(to - from));

    public Span<byte> CopyOf(long from, long to) => Copy.AsSpan((int)(from + Lead), (int)(to - from));

    public ReadOnlySpan<byte> Cpu(ulong from, ulong to) => Cpu((long)from, (long)to);

    public Span<byte> CopyOf(ulong from, ulong to) => CopyOf((long)from, (long)to);

    public PhysicalAddress MemoryAt(long offset) => new(Memory.Value + (ulong)offset);
}
