using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Meters;
using Aperture.Dma.Operations;

namespace Aperture.Dma;

// Scatterlists.
public sealed partial class DmaContext
{
    /// <summary>Hands several pieces of memory to the device. Behind an IOMMU pieces that meet at page borders become one
    /// contiguous range, elsewhere those that lie behind each other in memory, as far as the segment limits allow.</summary>
    /// <param name="memory">The pieces; the span must stay as it is until the mapping ends.</param>
    /// <param name="segments">Where the device's segments go: at least as many places as pieces.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="Map"/>; nothing is mapped then.</exception>
    public ScatterMapping MapScatter(ReadOnlySpan<MemoryBlock> memory, Span<DmaSegment> segments, DmaDirection direction,
        DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segments.Length, memory.Length);
        ulong total = 0;
        foreach (var block in memory)
            total += (ulong)block.Length;
        if (total == 0 || (uint)direction > (uint)DmaDirection.FromDevice)
            throw Fail(new Refusal("map", total, Status.InvalidArgument, attributes) { Direction = direction });
        var count = 0;
        var isBounced = false;
        var status = (attributes & ~Operations.MapAttributes) == 0 ? Status.Ok : Status.NotSupported;
        if (status == Status.Ok && Platform.HasPeers)
            status = CheckPeers(memory);
        var isMaintained = _cached && (attributes & DmaAttributes.SkipCpuSync) == 0;
        if ((attributes & (DmaAttributes.RequireCoherent | DmaAttributes.CcShared)) != 0)
        {
            for (var i = 0; status == Status.Ok && i < memory.Length; i++)
                status = memory[i].Length == 0 ? Status.Ok : CheckDemands(memory[i].Address, (ulong)memory[i].Length, attributes);
        }

        for (var i = 0; isMaintained && status == Status.Ok && i < memory.Length; i++)
            status = memory[i].Length == 0 || IsMemory(memory[i].Address, (ulong)memory[i].Length) || IsPeer(memory[i])
                ? Status.Ok : Status.BadAddress;
        if (status == Status.Ok)
            status = Operations.MapScatter(this, memory, segments, direction, attributes, out count, out isBounced);
        if (status == Status.Ok && isMaintained)
            SyncPieces(memory, segments[..count], direction, isBounced, false);
        var serial = NextSerial();
        if (_isWatched)
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.MapScatter,
                Serial = serial,
                Memory = memory,
                Segments = segments[..count],
                Length = total,
                Direction = direction,
                Attributes = attributes,
                Status = status,
                IsBounced = isBounced,
                File = file,
                Line = line
            });
        if (status != Status.Ok)
            throw Fail(Unmapped(memory, total, status, attributes) with { Direction = direction });

        var flags = isBounced ? MappingFlags.Bounced : MappingFlags.None;
        if (DmaMeter.IsOn)
        {
            DmaMeter.Mapped(total);
            flags |= MappingFlags.Counted;
        }

        return new ScatterMapping(this, memory, segments[..count], direction, SegmentBoundary, flags, serial);
    }

    /// <summary>Makes pieces for <see cref="MapScatter"/> out of a list of page frames, as a user's pages come; frames that follow each
    /// other become one piece. Such pieces have no view for the CPU: they cannot be copied into bounce buffers.</summary>
    /// <param name="frames">The first byte of each page.</param>
    /// <param name="pageSize">Bytes of a page, a power of two.</param>
    /// <param name="offset">The first byte in the first page.</param>
    /// <param name="length">Bytes in all; at most what is in the pages.</param>
    /// <param name="pieces">Where the pieces go: at most one for each frame.</param>
    /// <returns>Number of pieces.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A value is not in its range.</exception>
    public static unsafe int ImportFrames(ReadOnlySpan<PhysicalAddress> frames, int pageSize, int offset, int length,
        Span<MemoryBlock> pieces)
    {
        if (pageSize <= 0 || (pageSize & (pageSize - 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(pageSize), pageSize, "not a power of two");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)offset, (uint)pageSize);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)offset + (ulong)length, (ulong)frames.Length * (ulong)pageSize,
            nameof(length));
        var count = 0;
        foreach (var frame in frames)
        {
            if (length == 0)
                break;
            var bytes = Math.Min(length, pageSize - offset);
            var start = frame + (ulong)offset;
            if (count > 0 && pieces[count - 1].Address + (ulong)pieces[count - 1].Length == start)
                pieces[count - 1] = new MemoryBlock(null, pieces[count - 1].Address, pieces[count - 1].Length + bytes);
            else
                pieces[count++] = new MemoryBlock(null, start, bytes);
            length -= bytes;
            offset = 0;
        }

        return count;
    }

    internal void SyncScatter(in ScatterMapping mapping, bool forCpu, string file, int line)
    {
        var isBounced = (mapping.Flags & MappingFlags.Bounced) != 0;
        var isNeeded = _cached || isBounced;
        if (_isWatched && (isNeeded || !forCpu))
            TellSync(mapping, forCpu ? DmaEventKind.SyncForCpuBegins : DmaEventKind.SyncScatterForDevice, file, line);
        if (isNeeded)
            SyncPieces(mapping.Memory, mapping.Segments, mapping.Direction, isBounced, forCpu);
        if (_isWatched && (isNeeded || forCpu))
            TellSync(mapping, forCpu ? DmaEventKind.SyncScatterForCpu : DmaEventKind.SyncForDeviceEnds, file, line);
    }

    private void TellSync(in ScatterMapping mapping, DmaEventKind kind, string file, int line) =>
        Tell(new DmaEvent
        {
            Kind = kind,
            Serial = mapping.Serial,
            Memory = mapping.Memory,
            Segments = mapping.Segments,
            Direction = mapping.Direction,
            File = file,
            Line = line
        });

    internal void UnmapScatter(in ScatterMapping mapping, DmaAttributes attributes, string file, int line)
    {
        if (_isWatched)
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.UnmapScatter,
                Serial = mapping.Serial,
                Memory = mapping.Memory,
                Segments = mapping.Segments,
                Direction = mapping.Direction,
                Attributes = attributes,
                File = file,
                Line = line
            });
        var isSkipped = (attributes & DmaAttributes.SkipCpuSync) != 0;
        Status told;
        if ((mapping.Flags & MappingFlags.Bounced) != 0)
        {
            RefuseReleased(mapping.Segments);
            told = ReleaseBounced(mapping.Segments, isSkipped ? DmaDirection.ToDevice : mapping.Direction, Operations);
        }
        else
        {
            told = Operations.UnmapScatter(this, mapping.Memory, mapping.Segments, mapping.Boundary, false);
            if (told == Status.Ok && _cached && !isSkipped)
                SyncPieces(mapping.Memory, mapping.Segments, mapping.Direction, false, true);
        }

        if ((mapping.Flags & MappingFlags.Counted) != 0)
            DmaMeter.Unmapped();
        if (told != Status.Ok)
            throw NotInvalidated(mapping.Segments[0].Address, LengthOf(mapping.Segments), told);
    }

    /// <summary>The refusal of a list, with the piece that made it fail where one did.</summary>
    private Refusal Unmapped(ReadOnlySpan<MemoryBlock> memory, ulong bytes, Status status, DmaAttributes attributes)
    {
        var refusal = new Refusal("map", bytes, status, attributes);
        foreach (var block in memory)
        {
            if (status == Status.NotSupported && block.Length > 0 && !block.HasView
                && PeerOf(block.Address, (ulong)block.Length)?.IsReachableFrom(_device) == false)
                return refusal with { Memory = block.Address, Bytes = (ulong)block.Length };
        }

        return refusal;
    }

    private static ulong LengthOf(ReadOnlySpan<DmaSegment> segments)
    {
        ulong bytes = 0;
        foreach (var segment in segments)
            bytes += segment.Length;
        return bytes;
    }

    /// <summary>Ends the mappings of a list that bounced, one for each piece.</summary>
    /// <param name="segments">The mappings.</param>
    /// <param name="direction">Which way to copy; to the device copies nothing back.</param>
    /// <param name="operations">Through which they were mapped.</param>
    /// <returns>A failure: a unit could not be told.</returns>
    internal Status ReleaseBounced(ReadOnlySpan<DmaSegment> segments, DmaDirection direction, DmaOperations operations)
    {
        var pool = BouncePool;
        var status = Status.Ok;
        foreach (var segment in segments)
        {
            if (!operations.TryResolve(this, segment.Address, segment.Length, out var physical, out _))
                continue;
            var told = operations.Unmap(this, segment.Address, segment.Length);
            if (told != Status.Ok)
                status = told;
            else if (!Platform.HasPeers || IsMemory(physical, segment.Length))
                ForCpu(physical, segment.Length, direction, true);
            if (pool.IsHeld(physical, this))
                Release(pool, physical);
        }

        return status;
    }

    /// <summary>Of a list that bounced one piece at least has a bounce buffer, until it is unmapped.</summary>
    private void RefuseReleased(ReadOnlySpan<DmaSegment> segments)
    {
        foreach (var segment in segments)
        {
            if (Operations.TryResolve(this, segment.Address, 1, out var physical, out _) && BouncePool.IsHeld(physical, this))
                return;
        }

        throw NotMapped(segments[0].Address, segments[0].Length);
    }

    private ApertureException NotMapped(Iova address, ulong length) =>
        new(Status.InvalidArgument,
            $"{_device.Name} has no bounce buffer of 0x{length:x} bytes at device address {address}: the mapping was ended before");

    private void SyncPieces(ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments, DmaDirection direction, bool isBounced,
        bool forCpu)
    {
        if (isBounced)
        {
            foreach (var segment in segments)
                SyncRange(segment.Address, segment.Length, direction, forCpu);
            return;
        }

        foreach (var block in memory)
        {
            if (block.Length == 0 || (!block.HasView && !IsMemory(block.Address, (ulong)block.Length)))
                continue; // nothing is there, or memory of a device
            if (forCpu)
                ForCpu(block.Address, (ulong)block.Length, direction, false);
            else
                ForDevice(block.Address, (ulong)block.Length, direction, false);
        }
    }
}
