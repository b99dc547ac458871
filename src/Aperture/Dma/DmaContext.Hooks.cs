using System.Runtime.CompilerServices;
using Aperture.Core;

namespace Aperture.Dma;

// The one place that every call is told to.
public sealed partial class DmaContext
{
    internal void Check(in DmaMapping mapping)
    {
        if (_observer is not null)
            Tell(new DmaEvent
            {
                Kind = DmaEventKind.Check,
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
