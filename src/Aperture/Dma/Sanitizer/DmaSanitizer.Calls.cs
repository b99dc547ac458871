using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

// The calls of the DMA API, one by one.
public sealed partial class DmaSanitizer
{
    internal void OnCall(DmaContext context, in DmaEvent call)
    {
        if (TryFast(context, call))
            return;
        using (HoldAll())
        {
            Settle();
            // A sync that is told of in two halves is one call.
            if (call.Kind is not (DmaEventKind.SyncForCpuBegins or DmaEventKind.SyncForDeviceEnds))
                Tick();
            t_isDriver = true;
            switch (call.Kind)
            {
                case DmaEventKind.Map or DmaEventKind.Link:
                    Map(context, call, MappingApi.Single);
                    break;
                case DmaEventKind.MapResource:
                    Map(context, call, MappingApi.Resource);
                    break;
                case DmaEventKind.Allocate:
                    Map(context, call, MappingApi.Coherent);
                    break;
                case DmaEventKind.AllocatePages:
                    MapPieces(context, call, MappingApi.Pages);
                    break;
                case DmaEventKind.MapScatter:
                    MapPieces(context, call, MappingApi.Scatter);
                    break;
                case DmaEventKind.Unmap or DmaEventKind.Unlink:
                    Unmap(context, call, MappingApi.Single);
                    break;
                case DmaEventKind.UnmapResource:
                    Unmap(context, call, MappingApi.Resource);
                    break;
                case DmaEventKind.Free:
                    Unmap(context, call, MappingApi.Coherent);
                    break;
                case DmaEventKind.FreePages:
                    UnmapPieces(context, call, MappingApi.Pages);
                    break;
                case DmaEventKind.UnmapScatter:
                    UnmapPieces(context, call, MappingApi.Scatter);
                    break;
                case DmaEventKind.SyncForCpuBegins:
                    SyncHalf(context, call, SyncStep.BeginsForCpu);
                    break;
                case DmaEventKind.SyncForCpu:
                    Sync(context, call, SyncStep.ForCpu);
                    break;
                case DmaEventKind.SyncForDevice:
                    Sync(context, call, SyncStep.ForDevice);
                    break;
                case DmaEventKind.SyncForDeviceEnds:
                    SyncHalf(context, call, SyncStep.EndsForDevice);
                    break;
                case DmaEventKind.CpuOwns:
                    SyncHalf(context, call, SyncStep.CpuOwns);
                    break;
                case DmaEventKind.SyncScatterForCpu:
                    SyncScatter(context, call, SyncStep.ForCpu);
                    break;
                case DmaEventKind.SyncScatterForDevice:
                    SyncScatter(context, call, SyncStep.ForDevice);
                    break;
                case DmaEventKind.FreeWhileMappedToUser:
                    Report(FindingKind.FreedWhileMappedToUser, context.Device, call.Address, call.Length,
                        $"0x{call.Length:x} bytes of coherent memory at {call.Address} were given back while a user process had them " +
                        "mapped", SiteOf(call), SpaceOf(context.Device).Find(call.Address.Value));
                    break;
                case DmaEventKind.Check when call.Address.Value == ulong.MaxValue:
                    WatchOf(context.Device).Forget(call.Serial);
                    break;
                case DmaEventKind.TakeBlock:
                    TakeBlock(context, call);
                    break;
                case DmaEventKind.GiveBlock:
                    Unmap(context, call, MappingApi.Block);
                    break;
                case DmaEventKind.Share:
                    Share(context, call);
                    break;
                case DmaEventKind.TurnBegins:
                    BeginTurn(context, call);
                    break;
                case DmaEventKind.TurnEnds:
                    EndTurn(context, call);
                    break;
                default:
                    break; // nothing to judge
            }

            if (call.File is { Length: > 0 })
                WatchOf(context.Device).SetLastCall(call.File, call.Line, Now);
        }
    }

    private static CallSite SiteOf(in DmaEvent call) => new(call.File ?? "", call.Line);

    private static ulong LastOf(Iova address, ulong length) => address.Value + (length - 1);

    /// <summary>Walks the pieces of a scatterlist and where each lies in the device's segments.</summary>
    private ref struct Pieces(ReadOnlySpan<MemoryBlock> memory, ReadOnlySpan<DmaSegment> segments)
    {
        private readonly ReadOnlySpan<MemoryBlock> _memory = memory;
        private readonly ReadOnlySpan<DmaSegment> _segments = segments;
        private int _next;     // index of the next piece
        private int _segment;  // where it lies
        private ulong _offset; // and how far into that

        public MemoryBlock Block { get; private set; }

        public Iova Address { get; private set; }

        public bool MoveNext()
        {
            while (_next < _memory.Length && _memory[_next].Length == 0)
                _next++;
            while (_segment < _segments.Length && _offset >= _segments[_segment].Length)
            {
                _segment++;
                _offset = 0;
            }

            if (_next >= _memory.Length || _segment >= _segments.Length)
                return false;
            Block = _memory[_next++];
            Address = _segments[_segment].Address + _offset;
            _offset += (ulong)Block.Length;
            return true;
        }
    }

    private static int CountOf(ReadOnlySpan<MemoryBlock> memory)
    {
        var count = 0;
        foreach (var block in memory)
            count += block.Length > 0 ? 1 : 0;
        return count;
    }
}
