using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.Dma.Memory;
using Aperture.Dma.Meters;
using Aperture.Dma.Operations;

namespace Aperture.Dma;

// Memory of other devices.
public sealed partial class DmaContext
{
    /// <summary>Publishes memory of this device for others to do DMA with.</summary>
    /// <param name="range">Where it lies; no RAM.</param>
    /// <param name="isReachable">Whether the accesses of a device get there; null where all do. Nobody gets to its own.</param>
    /// <returns>Its parts are sources for mappings; dispose it before the driver goes.</returns>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: it is RAM, or runs past the end of the address space;
    /// <see cref="Status.AlreadyExists"/>: somebody has published a part of it.</exception>
    public PeerMemory Publish(MemoryRange range, Func<Device, bool>? isReachable = null)
    {
        if (range.Length == 0 || range.Last < range.Start || Memory.OwnsAny(range.Start, range.Length))
            throw new ApertureException(Status.InvalidArgument,
                $"{_device.Name} cannot publish 0x{range.Length:x} bytes at {range.Start}: that is no memory of a device");
        var peer = new PeerMemory(Platform, _device, range, isReachable);
        Platform.Add(peer);
        return peer;
    }

    /// <summary>The device memory that a range lies in; null for RAM, and for what nobody published.</summary>
    internal PeerMemory? PeerOf(PhysicalAddress address, ulong length) =>
        _platform is { HasPeers: true } platform ? platform.FindPeer(address, length) : null;

    /// <summary>Whether a block is memory of a device.</summary>
    internal bool IsPeer(in MemoryBlock block) => !block.HasView && PeerOf(block.Address, (ulong)block.Length) is not null;

    /// <summary>Whether all pieces that are memory of devices can be reached.</summary>
    private Status CheckPeers(ReadOnlySpan<MemoryBlock> memory)
    {
        foreach (var block in memory)
        {
            if (block.Length > 0 && !block.HasView && PeerOf(block.Address, (ulong)block.Length) is { } peer
                && !peer.IsReachableFrom(_device))
                return Status.NotSupported;
        }

        return Status.Ok;
    }

    private Status MapPeer(PeerMemory peer, in DmaSource source, DmaDirection direction, DmaAttributes attributes, out DmaMapping mapping,
        string file, int line)
    {
        var address = Failed;
        var status = source.Length == 0 || (uint)direction > (uint)DmaDirection.FromDevice ? Status.InvalidArgument
            : (attributes & ~(Operations.MapAttributes | DmaAttributes.Mmio)) != 0 || !peer.IsReachableFrom(_device)
                || Operations is Bounce.BounceOperations { IsForced: true } ? Status.NotSupported : Status.Ok;
        if (status == Status.Ok)
            status = Operations.MapResource(this, source.Physical, source.Length, direction, attributes, out address);
        var serial = NextSerial();
        if (_isWatched)
            Tell(new DmaEvent
            {
                Serial = serial,
                Kind = DmaEventKind.Map,
                Address = address,
                Physical = source.Physical,
                Origin = source.Physical,
                Length = source.Length,
                Direction = direction,
                Attributes = attributes,
                Status = status,
                File = file,
                Line = line,
            });
        if (status != Status.Ok)
            DmaMeter.Failed(this, source.Length, status, attributes);
        mapping = new DmaMapping(this, status == Status.Ok ? address : Failed, source.Physical, source.Length, direction, attributes,
            status == Status.Ok ? MappingFlags.Resource | MappingFlags.Peer : MappingFlags.Failed, serial);
        return status;
    }

    private string WhyNoPeer(PeerMemory peer) => peer.Provider == _device ? "; it is the device's own memory"
        : peer.IsReachableFrom(_device) ? $"; memory of {peer.Provider.Name} cannot be copied, and every mapping of this device is"
        : $"; its accesses do not get to the memory of {peer.Provider.Name}";
}
