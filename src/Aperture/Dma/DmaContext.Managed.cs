using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Dma;

// Bounce buffers from the device's side, and memory of the managed heap.
public sealed partial class DmaContext
{
    /// <summary>Hands managed memory to the device, at most 256 KiB: it is pinned while the mapping lasts and its bytes are copied to and from a bounce
    /// buffer at map, sync and unmap, as no device can reach the managed heap. Memory from <see cref="Memory"/> needs no copy.</summary>
    /// <param name="memory">At least one byte.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="Map"/>.</exception>
    public unsafe ManagedMapping MapManaged(Memory<byte> memory, DmaDirection direction, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var status = memory.Length == 0 || (uint)direction > (uint)DmaDirection.FromDevice ? Status.InvalidArgument : Status.Ok;
        var pin = memory.Pin();
        try
        {
            PhysicalAddress buffer = default;
            var operations = Operations;
            if (status == Status.Ok)
                status = BouncePool.TryTake(BounceRequest((byte*)pin.Pointer, (ulong)pin.Pointer, (ulong)memory.Length, operations.IsDirect ? 1 : operations.MergeBoundary + 1), out buffer);
            if (status == Status.Ok)
            {
                Bounces();
                var source = new DmaSource(buffer, (ulong)memory.Length) { IsBounced = true };
                status = TryMap(ref source, direction, DmaAttributes.None, out var mapping, file, line);
                if (status == Status.Ok)
                    return new ManagedMapping(mapping, pin);
                BouncePool.Release(buffer);
            }

            throw Failure("map", (ulong)memory.Length, status);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    /// <summary>What a bounce buffer for some memory must be like.</summary>
    internal unsafe BounceRequest BounceRequest(in DmaSource source, ulong granule) => BounceRequest(source.Pointer, source.Physical.Value, source.Length, granule);

    private unsafe BounceRequest BounceRequest(byte* origin, ulong originAddress, ulong length, ulong granule) => new()
    {
        Owner = this,
        Origin = origin,
        OriginAddress = originAddress,
        Length = length,
        AllocAlignMask = granule - 1,
        MinAlignMask = MinAlignMask,
        Boundary = Operations.IsDirect ? SegmentBoundary : ulong.MaxValue,
        DeviceOffset = _ranges is [var window, ..] ? window.Dma - window.Cpu.Value : 0,
        Highest = Operations.IsDirect ? HighestPhysical(Limit) : new PhysicalAddress(ulong.MaxValue),
    };
}
