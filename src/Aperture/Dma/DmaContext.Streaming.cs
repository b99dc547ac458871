using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Meters;
using Aperture.Dma.Operations;

namespace Aperture.Dma;

// Streaming mappings of single ranges.
public sealed partial class DmaContext
{
    /// <summary>Hands contiguous memory to the device.</summary>
    /// <param name="memory">At least one byte.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">The device cannot reach the memory, or no device address or bounce buffer is left: then the
    /// message names who holds them. <see cref="Status.NotSupported"/>, naming the wishes. <see cref="Status.BadAddress"/>: the device does
    /// not snoop, and it is no memory whose caches could be maintained.</exception>
    public DmaMapping Map(MemoryBlock memory, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        uint serial = 0;
        if (IsPlain(memory, direction, attributes) && (_observer is null || TryTellPlain(memory, direction, file, line, out serial)))
            return new DmaMapping(this, new Iova(memory.Address.Value), memory.Address, (ulong)memory.Length, direction,
                DmaAttributes.None, MappingFlags.None, serial);
        var status = TryMap(memory, direction, out var mapping, attributes, file, line);
        return status == Status.Ok ? mapping : throw Failure(new Refusal("map", (ulong)memory.Length, status, attributes)
        {
            Direction = direction,
            Memory = memory.Address,
        });
    }

    /// <summary>Hands contiguous memory to the device; failure is a result.</summary>
    /// <inheritdoc cref="Map"/>
    public Status TryMap(MemoryBlock memory, DmaDirection direction, out DmaMapping mapping, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        uint serial = 0;
        if (IsPlain(memory, direction, attributes) && (_observer is null || TryTellPlain(memory, direction, file, line, out serial)))
        {
            mapping = new DmaMapping(this, new Iova(memory.Address.Value), memory.Address, (ulong)memory.Length, direction,
                DmaAttributes.None, MappingFlags.None, serial);
            return Status.Ok;
        }

        var source = new DmaSource(memory);
        return TryMap(ref source, direction, attributes, out mapping, file, line);
    }

    /// <summary>Hands a part of a page, or of several pages that follow each other, to the device.</summary>
    /// <param name="page">The first page.</param>
    /// <param name="offset">The first byte, from its start.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="Map"/>.</exception>
    public DmaMapping MapPage(MemoryBlock page, int offset, int length, DmaDirection direction,
        DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Map(page.Slice(offset, length), direction, attributes, file, line);

    /// <summary>Hands memory to the device at a device address of the caller's choice, with the same offset in a page as the
    /// memory.</summary>
    /// <param name="memory">At least one byte.</param>
    /// <param name="address">Where the device shall find it. Without an IOMMU only where it is anyway.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: the path gives no choice; <see cref="Status.AlreadyExists"/>:
    /// something is there.</exception>
    public DmaMapping MapAt(MemoryBlock memory, Iova address, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var status = TryMapAt(memory, address, direction, attributes, out var mapping, file, line);
        return status == Status.Ok ? mapping : throw Fail(new Refusal("map", (ulong)memory.Length, status, attributes)
        {
            Direction = direction,
            At = address,
            Memory = memory.Address,
        });
    }

    internal Status TryMapAt(MemoryBlock memory, Iova address, DmaDirection direction, DmaAttributes attributes, out DmaMapping mapping,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var source = new DmaSource(memory);
        var status = Check(source, direction, attributes);
        if (status == Status.Ok)
            status = Operations.MapAt(this, source, address, direction, attributes);
        mapping = status == Status.Ok ? Finish(source, direction, attributes, address, source.Physical, file, line) : default;
        return status;
    }

    /// <summary>Hands a range of physical addresses to the device: page frames that the CPU has no view of here, or, with
    /// <see cref="DmaAttributes.Mmio"/>, registers. It cannot be copied, so it fails where a bounce buffer would be needed.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="Map"/>.</exception>
    public DmaMapping MapFrames(PhysicalAddress start, ulong length, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None,
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if ((attributes & DmaAttributes.Mmio) != 0)
            return MapResource(start, length, direction, attributes, file, line);
        var source = new DmaSource(start, length);
        var status = TryMap(ref source, direction, attributes, out var mapping, file, line);
        return status == Status.Ok ? mapping
            : throw Failure(new Refusal("map", length, status, attributes) { Direction = direction, Memory = start });
    }

    /// <summary>Lets the device reach registers, or the memory of a peer device. There is no cache maintenance, and buses do not move such
    /// addresses.</summary>
    /// <param name="physical">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="attributes">Wishes. <see cref="DmaAttributes.Mmio"/> goes without saying.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: it is driver memory, which has calls of its own; or the
    /// device cannot reach it.</exception>
    public DmaMapping MapResource(PhysicalAddress physical, ulong length, DmaDirection direction,
        DmaAttributes attributes = DmaAttributes.None, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        attributes |= DmaAttributes.Mmio;
        var isRefused = length == 0 || length - 1 > ulong.MaxValue - physical.Value || (uint)direction > (uint)DmaDirection.FromDevice
            || Memory.OwnsAny(physical, length);
        var status = isRefused ? Status.InvalidArgument
            : (attributes & ~(Operations.MapAttributes | DmaAttributes.Mmio)) != 0 ? Status.NotSupported : Status.Ok;
        var address = Failed;
        if (status == Status.Ok)
            status = Operations.MapResource(this, physical, length, direction, attributes, out address);
        var serial = NextSerial();
        if (_isWatched)
        {
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.MapResource,
                Serial = serial,
                Address = address,
                Physical = physical,
                Origin = physical,
                Length = length,
                Direction = direction,
                Attributes = attributes,
                Status = status,
                File = file,
                Line = line,
            });
        }

        return status == Status.Ok
            ? new DmaMapping(this, address, physical, length, direction, attributes, MappingFlags.Resource, serial)
            : throw Fail(new Refusal("map resource of", length, status, attributes & ~DmaAttributes.Mmio)
            {
                Direction = direction,
                Memory = physical,
            });
    }

    private static Iova Failed => new(ulong.MaxValue);

    /// <summary>Whether there is nothing to do for a mapping: the common case of a device that snoops and sits on the bus itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsPlain(in MemoryBlock memory, DmaDirection direction, DmaAttributes attributes) =>
        _isPlain && attributes == DmaAttributes.None && memory.HasView && memory.Length > 0
        && (uint)direction <= (uint)DmaDirection.FromDevice && memory.Address.Value + (uint)(memory.Length - 1) <= Limit.Value
        && !DmaMeter.IsOn;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTellPlain(in MemoryBlock memory, DmaDirection direction, string file, int line, out uint serial)
    {
        serial = _observer!.TryMapPlain(this, memory, direction, file, line);
        return serial != 0;
    }

    /// <summary>The one way in for streaming mappings that something has to be done for. It is not inlined, because its frame would have to
    /// be cleared for the others too.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe Status TryMap(ref DmaSource source, DmaDirection direction, DmaAttributes attributes, out DmaMapping mapping,
        string file, int line)
    {
        if (source.Pointer is null && PeerOf(source.Physical, source.Length) is { } peer)
            return MapPeer(peer, source, direction, attributes, out mapping, file, line);
        var origin = source.Physical;
        var address = Failed;
        var status = Check(source, direction, attributes);
        if (status == Status.Ok)
            status = Operations.Map(this, ref source, direction, attributes, out address);
        if (status == Status.Ok)
        {
            mapping = Finish(source, direction, attributes, address, origin, file, line);
            return Status.Ok;
        }

        var serial = NextSerial();
        mapping = new DmaMapping(this, Failed, default, source.Length, direction, attributes, MappingFlags.Failed, serial);
        if (_isWatched)
            TellMap(serial, source, Failed, default, origin, direction, attributes, status, file, line);
        DmaMeter.Failed(this, source.Length, status, attributes);
        return status;
    }

    // Not inlined: an event is large, and the frame of every mapping would have to be cleared for it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private unsafe void TellMap(uint serial, in DmaSource source, Iova address, PhysicalAddress physical, PhysicalAddress origin,
        DmaDirection direction, DmaAttributes attributes, Status status, string file, int line)
    {
        Tell(new DmaEvent
        {
            Kind = DmaEventKind.Map,
            Serial = serial,
            Address = address,
            Physical = physical,
            Origin = origin,
            Pointer = (nint)source.Pointer,
            Length = source.Length,
            Direction = direction,
            Attributes = attributes,
            Status = status,
            IsBounced = status == Status.Ok && source.IsBounced,
            File = file,
            Line = line,
        });
    }

    private Status Check(in DmaSource source, DmaDirection direction, DmaAttributes attributes)
    {
        if (source.Length == 0 || (uint)direction > (uint)DmaDirection.FromDevice)
            return Status.InvalidArgument;
        if ((attributes & ~Operations.MapAttributes) != 0)
            return Status.NotSupported;
        if ((attributes & (DmaAttributes.RequireCoherent | DmaAttributes.CcShared)) != 0
            && CheckDemands(source.Physical, source.Length, attributes) is not Status.Ok and var demand)
            return demand;
        return !_cached || (attributes & DmaAttributes.SkipCpuSync) != 0 || IsMemory(source.Physical,
            source.Length) ? Status.Ok : Status.BadAddress;
    }

    /// <summary>Whether there are caches to maintain in front of a range.</summary>
    private bool IsMemory(PhysicalAddress physical, ulong length) => Memory.Owns(physical, length);

    private unsafe DmaMapping Finish(in DmaSource source, DmaDirection direction, DmaAttributes attributes, Iova address,
        PhysicalAddress origin, string file, int line)
    {
        var flags = source.IsBounced ? MappingFlags.Bounced : MappingFlags.None;
        if (_cached && (attributes & DmaAttributes.SkipCpuSync) == 0)
            ForDevice(source.Physical, source.Length, direction, source.IsBounced);
        if (DmaMeter.IsOn)
        {
            DmaMeter.Mapped(source.Length);
            flags |= MappingFlags.Counted;
        }

        uint serial = 0;
        if (_isWatched)
        {
            // Of managed memory the API's own buffer stands for the driver's: an event tells it.
            if (_trace is null && (attributes & ~DmaAttributes.SkipCpuSync) == 0 && !(source.IsBounced && origin == source.Physical))
                serial = _observer!.TryMap(this, address, origin, source.Pointer, source.Length, direction,
                    attributes != DmaAttributes.None, source.IsBounced, file, line);
            if (serial == 0)
            {
                serial = NextSerial();
                TellMap(serial, source, address, source.Physical, origin, direction, attributes, Status.Ok, file, line);
            }
        }

        return new DmaMapping(this, address, source.Physical, source.Length, direction, attributes, flags, serial);
    }

    internal void Unmap(in DmaMapping mapping, DmaAttributes attributes, string file, int line)
    {
        var told = TryUnmap(mapping, attributes, file, line);
        if (told != Status.Ok)
            throw NotInvalidated(mapping.Address, mapping.Length, told);
    }

    /// <summary>Ends a mapping; a unit that could not be told is a result. The memory, and bounce buffers, are in the domain's quarantine
    /// then.</summary>
    internal Status TryUnmap(in DmaMapping mapping, DmaAttributes attributes, string file, int line) =>
        _isPlain && mapping.Flags == MappingFlags.None && (_observer is null || _observer.TryUnmapPlain(this, mapping, file, line))
            ? Status.Ok : End(mapping, attributes, file, line);

    private bool TryTellUnmap(in DmaMapping mapping, DmaAttributes attributes, string file, int line) =>
        _observer!.TryUnmap(this, mapping, (attributes & DmaAttributes.SkipCpuSync) != 0, file, line);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Status End(in DmaMapping mapping, DmaAttributes attributes, string file, int line)
    {
        var flags = mapping.Flags;
        if (_observer is not null && !TryTellUnmap(mapping, attributes, file, line))
            TellUnmap(mapping, attributes, file, line, true);
        var operations = Operations;
        if ((flags & (MappingFlags.Failed | MappingFlags.Resource)) != 0)
            return (flags & MappingFlags.Resource) != 0 ? EndResource(mapping, attributes, file, line) : Status.Ok;

        if ((flags & MappingFlags.Bounced) != 0 && !BouncePool.IsHeld(mapping.Physical, this))
            throw NotMapped(mapping.Address, mapping.Length); // the slots may be somebody else's by now
        // The device is out before the bytes are looked at: it can change nothing after they were copied.
        var told = operations.Unmap(this, mapping.Address, mapping.Length);
        // While it is not out, its bytes are not final either: the caller hears so.
        if (told == Status.Ok && (_cached | (flags & MappingFlags.Bounced) != 0) && (attributes & DmaAttributes.SkipCpuSync) == 0)
            ForCpu(mapping.Physical, mapping.Length, mapping.Direction, (flags & MappingFlags.Bounced) != 0);
        if (flags != MappingFlags.None)
            Finish(mapping);
        if (_trace is not null)
            TellUnmap(mapping, attributes, file, line, false);
        return told;
    }

    private Status EndResource(in DmaMapping mapping, DmaAttributes attributes, string file, int line)
    {
        var told = Operations.UnmapResource(this, mapping.Address, mapping.Length);
        if (_trace is not null)
            TellUnmap(mapping, attributes, file, line, false);
        return told;
    }

    // The observer hears of it while the mapping still stands; Linux's trace is written afterwards.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TellUnmap(in DmaMapping mapping, DmaAttributes attributes, string file, int line, bool isBefore)
    {
        var isResource = (mapping.Flags & (MappingFlags.Resource | MappingFlags.Peer)) == MappingFlags.Resource;
        if (!isBefore)
        {
            if (isResource)
                _trace?.DmaUnmapResource(_device.Name, mapping.Direction, mapping.Address, mapping.Length, attributes);
            else
                _trace?.DmaUnmap(_device.Name, mapping.Direction, mapping.Address, mapping.Length, attributes);
            return;
        }

        var kind = isResource ? DmaEventKind.UnmapResource : DmaEventKind.Unmap;
        Tell(new DmaEvent
        {
            Kind = kind,
            Serial = mapping.Serial,
            Address = mapping.Address,
            Physical = mapping.Physical,
            Length = mapping.Length,
            Direction = mapping.Direction,
            Attributes = attributes,
            IsBounced = (mapping.Flags & MappingFlags.Bounced) != 0,
            File = file,
            Line = line,
        });
    }

    private void Finish(in DmaMapping mapping)
    {
        if ((mapping.Flags & MappingFlags.Bounced) != 0)
            Release(BouncePool, mapping.Physical);
        if ((mapping.Flags & MappingFlags.Counted) != 0)
            DmaMeter.Unmapped();
    }
}
