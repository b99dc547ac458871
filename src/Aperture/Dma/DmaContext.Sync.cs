using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Bounce;

namespace Aperture.Dma;

// Who may touch the bytes: caches and bounce buffers.
public sealed partial class DmaContext
{
    /// <summary>Gives bytes to the CPU for a while, by device address alone: any range inside a mapping of this device.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="direction">That of the mapping.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: there is no such direction;
    /// <see cref="Status.BadAddress"/>: a device without an IOMMU finds no memory there.</exception>
    public void SyncForCpu(Iova address, ulong length, DmaDirection direction, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if ((uint)direction > (uint)DmaDirection.FromDevice)
            throw Failure(new Refusal("sync", length, Status.InvalidArgument) { Direction = direction, At = address });
        var isNeeded = _cached || _bounced;
        if (_isWatched && isNeeded)
            TellSync(DmaEventKind.SyncForCpuBegins, address, length, direction, file, line);
        var isMemory = !isNeeded || SyncRange(address, length, direction, true);
        if (_isWatched)
            TellSync(DmaEventKind.SyncForCpu, address, length, direction, file, line);
        if (!isMemory)
            throw Failure(new Refusal("sync", length, Status.BadAddress) { Direction = direction, At = address });
    }

    /// <summary>Gives bytes back to the device, by device address alone.</summary>
    /// <inheritdoc cref="SyncForCpu"/>
    public void SyncForDevice(Iova address, ulong length, DmaDirection direction, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if ((uint)direction > (uint)DmaDirection.FromDevice)
            throw Failure(new Refusal("sync", length, Status.InvalidArgument) { Direction = direction, At = address });
        if (_isWatched)
            TellSync(DmaEventKind.SyncForDevice, address, length, direction, file, line);
        if (!_cached && !_bounced)
            return;
        if (!SyncRange(address, length, direction, false))
            throw Failure(new Refusal("sync", length, Status.BadAddress) { Direction = direction, At = address });
        if (_isWatched)
            TellSync(DmaEventKind.SyncForDeviceEnds, address, length, direction, file, line);
    }

    /// <summary>Whether sync calls for a device address have anything to do. While a sanitizer listens they have, to be heard of.</summary>
    public bool NeedsSync(Iova address) =>
        _cached || _observer is not null || IsBounced(address);

    /// <summary>Whether the device uses a bounce buffer at an address.</summary>
    internal bool IsBounced(Iova address) => _bounced && Operations.TryResolve(this, address, 1, out var physical, out _)
        && BouncePool.Mirrors(physical);

    internal bool NeedsSync(MappingFlags flags) => _cached || (flags & MappingFlags.Bounced) != 0 || _observer is not null;

    internal void Sync(in DmaMapping mapping, ulong offset, ulong length, bool forCpu, string file, int line)
    {
        if ((mapping.Attributes & DmaAttributes.RequireCoherent) != 0)
            return; // both may touch the bytes at any time
        if ((mapping.Flags & MappingFlags.Failed) != 0)
            offset = 0; // there are no bytes, and one address stands for all of them
        var isBounced = (mapping.Flags & MappingFlags.Bounced) != 0;
        var isNeeded = (_cached | isBounced) & (mapping.Flags & (MappingFlags.Resource | MappingFlags.Failed)) == 0;
        var isGone = isBounced && !BouncePool.IsHeld(mapping.Physical, this);
        if (_isWatched & forCpu & isNeeded)
            TellSync(DmaEventKind.SyncForCpuBegins, mapping, offset, length, file, line);
        if (isNeeded && forCpu && !isGone)
            ForCpu(mapping.Physical + offset, length, mapping.Direction, isBounced);
        if (_isWatched)
            TellSync(forCpu ? DmaEventKind.SyncForCpu : DmaEventKind.SyncForDevice, mapping, offset, length, file, line);
        if (isGone)
            throw NotMapped(mapping.Address, mapping.Length);
        if (!isNeeded || forCpu)
            return;
        if (isBounced && mapping.Direction != DmaDirection.FromDevice)
            BouncePool.Copy(mapping.Physical + offset, length, true);
        ForDevice(mapping.Physical + offset, length, mapping.Direction, isBounced);
        if (_isWatched)
            TellSync(DmaEventKind.SyncForDeviceEnds, mapping, offset, length, file, line);
    }

    private void TellSync(DmaEventKind kind, Iova address, ulong length, DmaDirection direction, string file, int line) =>
        Tell(new DmaEvent { Kind = kind, Address = address, Length = length, Direction = direction, File = file, Line = line });

    private void TellSync(DmaEventKind kind, in DmaMapping mapping, ulong offset, ulong length, string file, int line) =>
        Tell(new DmaEvent
        {
            Kind = kind,
            Serial = mapping.Serial,
            Address = mapping.Address + offset,
            Physical = mapping.Physical + offset,
            Length = length,
            Direction = mapping.Direction,
            IsBounced = (mapping.Flags & MappingFlags.Bounced) != 0,
            File = file,
            Line = line
        });

    /// <summary>Tells that the CPU owns a mapping's bytes, where there is nothing to do for it.</summary>
    internal void TellCpuOwns(in DmaMapping mapping, string file, int line) =>
        TellOf(DmaEventKind.CpuOwns, mapping, mapping.Direction, file, line);

    /// <summary>What else it takes for a device that uses the mapping of another one, where their caches differ.</summary>
    internal void SyncBorrowed(in DmaMapping mapping, DmaContext owner, bool forCpu)
    {
        if (!_cached || owner._cached)
            return;
        if (forCpu)
            ForCpu(mapping.Physical, mapping.Length, mapping.Direction, false);
        else
            ForDevice(mapping.Physical, mapping.Length, mapping.Direction, false);
    }

    /// <summary>False where a device without an IOMMU finds no memory.</summary>
    private bool SyncRange(Iova address, ulong length, DmaDirection direction, bool forCpu)
    {
        var operations = Operations;
        while (length > 0 && operations.TryResolve(this, address, length, out var physical, out var run))
        {
            var isBounced = _bounced && BouncePool.Mirrors(physical);
            if (!isBounced && !IsMemory(physical, run))
            {
                if (!Platform.HasPeers)
                    return false; // memory of a device has nothing cached
            }
            else if (forCpu)
            {
                ForCpu(physical, run, direction, isBounced);
            }
            else
            {
                if (isBounced && direction != DmaDirection.FromDevice)
                    BouncePool.Copy(physical, run, true);
                ForDevice(physical, run, direction, isBounced);
            }

            address += run;
            length -= run;
        }

        return true;
    }

    /// <summary>The device may have the bytes: what the CPU wrote goes to memory.</summary>
    /// <remarks>Bounce buffers are never only invalidated: the copy in them has to outlast what the device does not write.</remarks>
    private void ForDevice(PhysicalAddress physical, ulong length, DmaDirection direction, bool isBounced)
    {
        if (!_cached || length == 0)
            return;
        var platform = Platform;
        var memory = platform.Memory;
        if (platform.Maintenance == CacheMaintenance.Arm64 || direction == DmaDirection.ToDevice)
            memory.Clean(physical, length);
        else if (direction == DmaDirection.FromDevice && !isBounced)
            memory.Invalidate(physical, length);
        else if (platform.Maintenance == CacheMaintenance.Armv7)
            memory.Clean(physical, length);
        else
            memory.CleanInvalidate(physical, length);
    }

    /// <summary>The CPU may have the bytes: what the device wrote is seen, and copied back where it wrote elsewhere.</summary>
    private void ForCpu(PhysicalAddress physical, ulong length, DmaDirection direction, bool isBounced)
    {
        if (direction == DmaDirection.ToDevice || length == 0)
            return;
        if (_cached && Platform.Maintenance != CacheMaintenance.MipsInOrder)
            Memory.Invalidate(physical, length);
        if (isBounced)
            BouncePool.Copy(physical, length, false);
    }
}
