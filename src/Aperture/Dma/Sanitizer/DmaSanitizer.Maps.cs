using Aperture.Core;
using Aperture.Devices;

namespace Aperture.Dma.Sanitizer;

// Mappings and allocations as they are made.
public sealed unsafe partial class DmaSanitizer
{
    private void Map(DmaContext context, in DmaEvent call, MappingApi api)
    {
        if (api == MappingApi.Single && call.Length > 0 && !IsManaged(call))
            CheckOrigin(context.Device, call.Pointer, call.Origin, call);
        if (call.Status != Status.Ok)
        {
            if (api is MappingApi.Single or MappingApi.Resource)
                WatchOf(context.Device).Fail(new FailedMap(call.Serial, RecordOf(context.Device, call, api, call.Address, call.Origin,
                    Math.Max(call.Length, 1), false)));
            return;
        }

        Add(context, call, api, call.Address, call.Origin, call.Length, call.Pointer, call.IsBounced);
    }

    /// <summary>Whether memory of the managed heap is mapped: of that the driver gave no address, the API's own buffer stands for
    /// it.</summary>
    private static bool IsManaged(in DmaEvent call) => call.IsBounced && call.Origin == call.Physical;

    private void MapPieces(DmaContext context, in DmaEvent call, MappingApi api)
    {
        var pieces = new Pieces(call.Memory, call.Segments);
        if (call.Status != Status.Ok)
            return;
        if (api == MappingApi.Scatter)
        {
            foreach (var segment in call.Segments)
                CheckSegment(context, segment, call);
        }

        var list = ++_scatters;
        var count = CountOf(call.Memory);
        while (pieces.MoveNext())
        {
            var block = pieces.Block;
            var pointer = (nint)block.Pointer;
            CheckOrigin(context.Device, pointer, block.Address, call);
            // Of a list that bounces some pieces may not: those that fill whole pages of an untrusted device.
            Add(context, call, api, pieces.Address, block.Address, (ulong)block.Length, pointer, call.IsBounced
                && context.IsBounced(pieces.Address), list, count);
        }
    }

    private void Add(DmaContext context, in DmaEvent call, MappingApi api, Iova address, PhysicalAddress memory, ulong length,
        nint pointer, bool isBounced, long list = 0, int count = 0)
    {
        var device = context.Device;
        var space = SpaceOf(device);
        var stay = WatchOf(device).Stay = StayOf(device);
        if (!TryCount(space))
        {
            if (!space.IsPartial)
                Report(FindingKind.TooManyMappings, device, address, length,
                    $"more than {_options.MaxMappings} mappings are live; this one and later ones are not watched", SiteOf(call), null);
            space.IsPartial = true;
            return;
        }

        var mapping = space.Take();
        mapping.Stay = stay;
        mapping.Address = address;
        mapping.Length = length;
        mapping.Memory = memory;
        mapping.Serial = call.Serial;
        mapping.SetMade(call.File ?? "", call.Line, Now);
        mapping.Scatter = list;
        mapping.ScatterCount = count;
        mapping.Pointer = null;
        mapping.IsGathered = api == MappingApi.Coherent && !call.Memory.IsEmpty;
        mapping.SetKind(api, call.Direction, MappingTraits.Live | MappingTraits.Indexed);
        mapping.Traits |= (isBounced ? MappingTraits.Bounced : MappingTraits.None)
            | (!context.IsCoherent && !isBounced && context.PeerOf(memory, length) is null ? MappingTraits.Cached : MappingTraits.None)
            | ((call.Attributes & DmaAttributes.DebuggingIgnoreCachelines) != 0 ? MappingTraits.IgnoresLines : MappingTraits.None)
            | (mapping.IsStreaming && (call.Attributes & DmaAttributes.RequireCoherent) != 0 ? MappingTraits.AnyTime : MappingTraits.None);
        if (_unseen.Count > 0 && mapping.HasMemory)
            ForgetUnseen(memory.Value, mapping.MemoryLast);
        if (mapping.IsStreaming)
            CheckNeighbours(context, mapping, call);
        if (mapping.HasMemory)
            _pages.Add(mapping);
        if (mapping.IsIndexed)
            space.Pages.Add(mapping, mapping.Start, mapping.Last);
        // After the mapping can be seen by who takes its memory.
        if (mapping.IsStreaming && !mapping.IsAnyTime)
            StartContents(mapping, pointer, api == MappingApi.Single && IsManaged(call), isLazy: true);
        if (mapping.IsStreaming && (mapping.IsAnyTime || (call.Attributes & DmaAttributes.SkipCpuSync) != 0))
        {
            mapping.Traits |= MappingTraits.Moved;
            mapping.Owned.Add(0, length); // the device gets the bytes by the syncs that the driver makes itself
        }
    }

    private MappingRecord RecordOf(
        Device device, in DmaEvent call, MappingApi api, Iova address, PhysicalAddress memory, ulong length, bool isBounced)
    {
        return new MappingRecord
        {
            Device = device.Name,
            Driver = StayOf(device).DriverName,
            Address = address,
            Length = length,
            Memory = memory,
            Direction = call.Direction,
            Api = api,
            IsBounced = isBounced,
            Serial = call.Serial,
            Made = SiteOf(call),
            MadeAt = Now,
        };
    }

    private void Remove(LiveMapping mapping, MappingEnd end, CallSite site) => Remove(mapping, end, site.File ?? "", site.Line, Now);

    private void Remove(LiveMapping mapping, MappingEnd end, string file, int line, long at)
    {
        if (mapping.HasMemory)
            _pages.Remove(mapping);
        if (mapping.IsIndexed)
            mapping.Space.Pages.Remove(mapping, mapping.Start, mapping.Last);
        ForgetContents(mapping);
        mapping.Scatter = 0;
        mapping.ScatterCount = 0;
        mapping.Owned.Clear();
        mapping.Fresh.Clear();
        mapping.Told.Clear();
        mapping.Brought.Clear();
        mapping.IsManaged = false;
        mapping.Sharers = null;
        mapping.Turns = null;
        mapping.SetEnded(end, file, line, at);
        mapping.Space.Remember(mapping);
    }

    private void CheckSegment(DmaContext context, DmaSegment segment, in DmaEvent call)
    {
        if (segment.Length == 0)
            return;
        if (segment.Length > context.MaxSegmentSize)
            Report(FindingKind.SegmentTooLong, context.Device, segment.Address, segment.Length,
                $"a segment of 0x{segment.Length:x} bytes at {segment.Address} is longer than the device's 0x{context.MaxSegmentSize:x}",
                SiteOf(call), null);
        if (((segment.Address.Value ^ LastOf(segment.Address, segment.Length)) & ~context.SegmentBoundary) != 0)
            Report(FindingKind.SegmentAcrossBoundary, context.Device, segment.Address, segment.Length,
                $"a segment of 0x{segment.Length:x} bytes at {segment.Address} crosses a multiple of 0x{context.SegmentBoundary + 1:x}",
                SiteOf(call), null);
    }

    /// <summary>Whether the memory is what it says it is.</summary>
    private void CheckOrigin(Device device, nint pointer, PhysicalAddress memory, in DmaEvent call)
    {
        if (pointer == 0 || _memory is null)
            return;
        if ((_memory.TryGetPointer(memory, 1, out var known) && (nint)known == pointer)
            || (_memory.TryGetDramPointer(memory, 1, out known) && (nint)known == pointer)) // it has no cached view: coherent memory
            return;
        var (kind, what) = ForeignMemory.Classify(pointer);
        Report(kind, device, call.Address, call.Length,
            $"0x{call.Length:x} bytes at 0x{pointer:x} were mapped as physical address {memory}: {what}", SiteOf(call), null);
    }

    private void CheckNeighbours(DmaContext context, LiveMapping mapping, in DmaEvent call)
    {
        var first = mapping.Memory.Value;
        var last = mapping.MemoryLast;
        var line = (ulong)Line;
        var seen = FindNeighbour(mapping, first, first, last, line, call);
        if (!seen && first >> PageIndex.Shift != last >> PageIndex.Shift)
            FindNeighbour(mapping, last, first, last, line, call);
        for (var page = (first >> PageIndex.Shift) + 1; page < last >> PageIndex.Shift && !seen; page++)
            seen = FindNeighbour(mapping, page << PageIndex.Shift, first, last, 1, call);
    }

    /// <summary>Whether lines of a mapping are cleaned or invalidated on boards: the device does not snoop.</summary>
    private static bool IsBehindCaches(LiveMapping mapping) =>
        !mapping.Device.Description.IsCoherent && mapping.Device.Dma.PeerOf(mapping.Memory, mapping.Length) is null;

    /// <summary>Judges what else is on a page of memory. True when there was something to say.</summary>
    private bool FindNeighbour(LiveMapping mapping, ulong page, ulong first, ulong last, ulong line, in DmaEvent call)
    {
        foreach (var other in _pages.On(page))
        {
            if (other.IsFreed || other.Api == MappingApi.Block)
                continue; // a block's memory is judged as what it was cut from
            var writes = mapping.Direction != DmaDirection.ToDevice || other.Direction != DmaDirection.ToDevice;
            if (other.Memory.Value <= last && first <= other.MemoryLast)
            {
                if (other.Api == MappingApi.Coherent && mapping.Device == other.Device)
                    return Report(FindingKind.WrongApi, mapping.Device, mapping.Address, mapping.Length,
                        $"coherent memory at {other.Address} was given to a streaming call", SiteOf(call), other);
                if (!writes || other.Device != mapping.Device)
                    continue;
                var from = Math.Max(first, other.Memory.Value);
                var bytes = Math.Min(last, other.MemoryLast) - from + 1;
                var where = other.Scatter == mapping.Scatter && mapping.Scatter != 0 ? "in the same scatterlist already" : "mapped already";
                return Report(FindingKind.OverlappingMappings, mapping.Device, mapping.Address + (from - first), bytes,
                    $"0x{bytes:x} bytes of memory from 0x{from:x} on are {where}, at {other.Address}", SiteOf(call), other);
            }

            if (other.Api != MappingApi.Coherent && writes && (mapping.Scatter == 0 || mapping.Scatter != other.Scatter)
                && (first & ~(line - 1)) <= other.MemoryLast && other.Memory.Value <= (last | (line - 1)))
            {
                mapping.Traits |= MappingTraits.SharesLine;
                other.Traits |= MappingTraits.SharesLine;
                if ((!IsBehindCaches(mapping) && !IsBehindCaches(other))
                    || (mapping.Traits & other.Traits & MappingTraits.IgnoresLines) != 0)
                    continue;
                var at = other.Memory.Value > last ? last & ~(line - 1) : first & ~(line - 1);
                return Report(FindingKind.SharedCacheLine, mapping.Device, mapping.Address, mapping.Length,
                    $"the cache line of {line} bytes at 0x{at:x} also holds bytes of the mapping at {other.Address}, and " +
                    $"{(IsBehindCaches(mapping) ? "the device" : other.Device.Name)} does not snoop", SiteOf(call), other);
            }

            if (other.Space != mapping.Space && mapping.Device.Dma.Domain is not null && !mapping.IsBounced
                && other.Device != mapping.Device)
                return Report(FindingKind.NeighbourReachable, mapping.Device, mapping.Address, mapping.Length,
                    $"the page at 0x{page & ~0xFFFUL:x} also holds bytes that {other.Device.Name} has mapped: {mapping.Device.Name} " +
                    "reaches them", SiteOf(call), other);
        }

        return false;
    }
}
