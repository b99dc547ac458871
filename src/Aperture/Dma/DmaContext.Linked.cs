using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;

namespace Aperture.Dma;

// What a linked mapping needs of its device.
public sealed partial class DmaContext
{
    /// <summary>The operations through which memory can be linked; null where device addresses are no table's, or bytes may be
    /// copied.</summary>
    internal IommuOperations? LinkOperations => Operations as IommuOperations;

    /// <summary>Whether somebody has to know later what was linked: caches have to be maintained, or somebody listens.</summary>
    internal bool KeepsLinks => _cached || _isWatched;

    /// <summary>Takes device addresses for links.</summary>
    internal void TakeAddresses(IommuOperations operations, ulong bytes, out Iova start)
    {
        start = default;
        var status = MinAlignMask >= operations.Granule ? Status.NotSupported : operations.TryTake(this, bytes, out start);
        if (status != Status.Ok)
            throw Fail(new Refusal("link", bytes, status));
    }

    /// <summary>Checks what is to be linked, and says what the device may do there.</summary>
    internal Status CheckLink(MemoryBlock memory, DmaDirection direction, DmaAttributes attributes, out Protection rights)
    {
        rights = Protection.None;
        if ((uint)direction > (uint)DmaDirection.FromDevice)
            return Status.InvalidArgument;
        if ((attributes & ~Operations.MapAttributes) != 0)
            return Status.NotSupported;
        var status = CheckDemands(memory.Address, (ulong)memory.Length, attributes);
        rights = IommuOperations.Rights(this, direction, attributes);
        if (!memory.HasView && PeerOf(memory.Address, (ulong)memory.Length) is { } peer)
        {
            rights = (rights & ~Protection.Cache) | Protection.Mmio;
            return peer.IsReachableFrom(_device) ? status : Status.NotSupported;
        }

        if (status == Status.Ok && _cached && (attributes & DmaAttributes.SkipCpuSync) == 0
            && !IsMemory(memory.Address, (ulong)memory.Length))
            return Status.BadAddress;
        return status;
    }

    internal void LinkForDevice(MemoryBlock memory, DmaDirection direction) =>
        ForDevice(memory.Address, (ulong)memory.Length, direction, false);

    internal void LinkForCpu(MemoryBlock memory, DmaDirection direction) => ForCpu(memory.Address, (ulong)memory.Length, direction, false);

    internal unsafe void TellLink(DmaEventKind kind, uint serial, Iova address, MemoryBlock memory, DmaDirection direction,
        DmaAttributes attributes, string file, int line)
    {
        if (_isWatched)
            Tell(new DmaEvent
            {
                Kind = kind,
                Serial = serial,
                Address = address,
                Physical = memory.Address,
                Origin = memory.Address,
                Pointer = (nint)memory.Pointer,
                Length = (ulong)memory.Length,
                Direction = direction,
                Attributes = attributes,
                File = file,
                Line = line,
            });
    }

    internal ApertureException LinkRefusal(Iova address, MemoryBlock memory, DmaDirection direction, DmaAttributes attributes,
        Status status) =>
        Fail(new Refusal("link", (ulong)memory.Length, status, attributes)
        {
            Direction = direction,
            Memory = memory.Address,
            At = address,
        });

    internal ApertureException NotLinked(Iova address, ulong bytes, Status status) => new(status,
        status == Status.InvalidArgument
            ? $"{_device.Name} has not all of the 0x{bytes:x} bytes at device address {address} linked"
            : $"an IOMMU could not be told that {_device.Name} may use 0x{bytes:x} bytes at device address {address} ({status})");

    /// <summary>Whether memory is what the wishes demand of it.</summary>
    private Status CheckDemands(PhysicalAddress physical, ulong length, DmaAttributes attributes)
    {
        if ((attributes & DmaAttributes.RequireCoherent) != 0 && _cached)
            return Status.NotSupported;
        return (attributes & DmaAttributes.CcShared) != 0 && Memory.IsPrivate(physical, length) ? Status.NotPermitted : Status.Ok;
    }
}
