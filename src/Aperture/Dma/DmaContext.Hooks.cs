using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma;

// The one place that every call is told to.
public sealed partial class DmaContext
{
    private uint _serials; // mappings that were told of by events so far

    /// <summary>Tells a mapping from all others of this device; 0 while nobody listens.</summary>
    internal uint NextSerial() => _observer is null ? 0 : Math.Max(1, Interlocked.Increment(ref _serials) & (uint.MaxValue >> 1));

    /// <summary>Tells of a call that the DMA API's own objects make for a driver.</summary>
    internal void TellOf(DmaEventKind kind, in DmaMapping mapping, DmaDirection direction, string file, int line)
    {
        if (_observer is not null)
            Tell(new DmaEvent
            {
                Kind = kind,
                Serial = mapping.Serial,
                Address = mapping.Address,
                Physical = mapping.Physical,
                Length = mapping.Length,
                Direction = direction,
                File = file,
                Line = line,
            });
    }

    /// <summary>Tells of a part of coherent memory that is given out, or comes back.</summary>
    internal void TellBlock(DmaEventKind kind, in CoherentBlock block, string file, int line)
    {
        if (_observer is not null)
            Tell(new DmaEvent
            {
                Kind = kind,
                Serial = (uint)block.Number + 1,
                Address = block.Address,
                Physical = block.Memory.Address,
                Origin = block.Memory.Address,
                Length = (ulong)block.Memory.Length,
                File = file,
                Line = line,
            });
    }

    internal void Check(in DmaMapping mapping)
    {
        if (_observer is not null)
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.Check,
                Serial = mapping.Serial,
                Address = mapping.Address,
                Length = mapping.Length,
                Direction = mapping.Direction
            });
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Tell(in DmaEvent call)
    {
        _observer?.OnCall(this, call);
        if (_trace is not { } trace)
            return;
        switch (call.Kind)
        {
            case DmaEventKind.Map:
                trace.DmaMap(_device.Name, call.Direction, call.Address, call.Length, call.Origin, call.Attributes);
                break;
            case DmaEventKind.MapResource:
                trace.DmaMapResource(_device.Name, call.Direction, call.Address, call.Length, call.Origin, call.Attributes);
                break;
            case DmaEventKind.MapScatter when call.Status == Status.Ok:
                trace.DmaMapScatter(_device.Name, call.Direction, call.Segments, call.Memory, call.Attributes);
                break;
            case DmaEventKind.MapScatter:
                trace.DmaMapScatterFailed(_device.Name, call.Direction, call.Memory, call.Status, call.Attributes);
                break;
            case DmaEventKind.UnmapScatter:
                trace.DmaUnmapScatter(_device.Name, call.Direction, call.Memory, call.Attributes);
                break;
            case DmaEventKind.Allocate when call.Status == Status.Ok:
                trace.DmaAllocate(_device.Name, call.Address, call.Length, call.Physical, call.Attributes);
                break;
            case DmaEventKind.Free:
                trace.DmaFree(_device.Name, call.Address, call.Length, call.Physical, call.Attributes);
                break;
            default:
                break; // Linux's trace systems have no event for it that this library writes
        }
    }
}
