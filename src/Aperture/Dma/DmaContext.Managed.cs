using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;

namespace Aperture.Dma;

// Bounce buffers from the device's side, and memory of the managed heap.
public sealed partial class DmaContext
{
    /// <summary>Hands managed memory to the device: it is pinned while the mapping lasts. On a simulated board, where no device can reach
    /// the managed heap, its bytes, at most 256 KiB, are copied to and from a bounce buffer at map, sync and unmap; on a host only where
    /// other memory must. Memory from <see cref="Memory"/> needs no copy.</summary>
    /// <param name="memory">At least one byte.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="file">Left to the compiler.</param>
    /// <param name="line">Left to the compiler.</param>
    /// <exception cref="ApertureException">As for <see cref="Map"/>.</exception>
    public unsafe ManagedMapping MapManaged(Memory<byte> memory, DmaDirection direction, [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        var status = memory.Length == 0 || (uint)direction > (uint)DmaDirection.FromDevice ? Status.InvalidArgument : Status.Ok;
        var pin = memory.Pin();
        try
        {
            PhysicalAddress buffer = default;
            var operations = Operations;
            if (status == Status.Ok && Memory.TryGetAddress((byte*)pin.Pointer, out var address))
                return new ManagedMapping(
                    Map(new MemoryBlock((byte*)pin.Pointer, address, memory.Length), direction, DmaAttributes.None, file, line), pin);
            if (status == Status.Ok)
                status = TakeBounce(new DmaSource((byte*)pin.Pointer, (ulong)memory.Length), BouncePool, operations.Granule, out buffer);
            if (status == Status.Ok)
            {
                var source = new DmaSource((byte*)pin.Pointer, (ulong)memory.Length) { Physical = buffer, IsBounced = true };
                status = TryMap(ref source, direction, DmaAttributes.None, out var mapping, file, line);
                if (status == Status.Ok)
                    return new ManagedMapping(mapping, pin);
                Release(BouncePool, buffer);
                throw Failure(new Refusal("map", (ulong)memory.Length, status) { Direction = direction });
            }

            throw Fail(new Refusal("map", (ulong)memory.Length, status) { Direction = direction });
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    private void TraceBounce(in DmaSource source)
    {
        // An address of the managed heap is another one in each run.
        var physical = Memory.Owns(source.Physical) ? source.Physical : default;
        if (!TryToDevice(physical, source.Length, new Iova(ulong.MaxValue), out var address))
            address = new Iova(physical.Value);
        _trace!.DmaBounced(_device.Name, Mask, address, source.Length, Operations is BounceOperations { IsForced: true });
    }

    /// <summary>Takes a bounce buffer with a copy of some memory. Where bytes beside it become reachable with it, they are zero.</summary>
    /// <param name="source">The memory.</param>
    /// <param name="pool">Where the buffer comes from.</param>
    /// <param name="granule">Bytes that become reachable together.</param>
    /// <param name="buffer">The first byte.</param>
    /// <returns><see cref="Status.NotSupported"/>: raw page frames, which nobody here can copy; else as the pool says.</returns>
    internal unsafe Status TakeBounce(in DmaSource source, BouncePool pool, ulong granule, out PhysicalAddress buffer)
    {
        buffer = default;
        if (source.Pointer is null)
            return Status.NotSupported;
        var isDirect = Operations.IsDirect;
        var status = pool.TryTake(
            new BounceRequest
            {
                Owner = this,
                Origin = source.Pointer,
                OriginAddress = source.Physical.Value,
                Length = source.Length,
                AllocAlignMask = granule - 1,
                MinAlignMask = MinAlignMask,
                Boundary = isDirect ? SegmentBoundary : ulong.MaxValue,
                Limit = isDirect ? Limit : null,
            },
            out buffer);
        if (status != Status.Ok)
            return status;
        Bounces();
        if (_trace is not null)
            TraceBounce(source);
        if (granule == 1)
            return status;
        // Whatever was in the buffer's pages before is none of the device's business.
        var first = buffer.AlignDown(granule);
        var before = (int)(buffer - first);
        var pages = pool.Span(first, (int)((buffer + source.Length).AlignUp(granule) - first));
        pages[..before].Clear();
        pages[(before + (int)source.Length)..].Clear();
        if (_cached)
        {
            Memory.Clean(first, (ulong)before);
            Memory.Clean(buffer + source.Length, (ulong)pages.Length - source.Length - (ulong)before);
        }

        return status;
    }
}
