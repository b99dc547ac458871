using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

/// <summary>Takes the calls of the DMA API to a sanitizer.</summary>
internal sealed class SanitizerObserver(DmaSanitizer sanitizer) : DmaObserver
{
    public override void OnCall(DmaContext context, in DmaEvent call) => sanitizer.OnCall(context, call);

    public override unsafe uint TryMap(DmaContext context, Iova address, PhysicalAddress memory, byte* pointer, ulong length,
        DmaDirection direction, bool isSkipped, bool isBounced, string file, int line) =>
        sanitizer.TryMap(context, address, memory, pointer, length, direction, isSkipped, isBounced, file, line);

    public override uint TryMapPlain(DmaContext context, in MemoryBlock block, DmaDirection direction, string file, int line) =>
        sanitizer.TryMapPlain(context, block, direction, file, line);

    public override bool TryUnmapPlain(DmaContext context, in DmaMapping mapping, string file, int line) =>
        sanitizer.TryUnmapPlain(context, mapping, file, line);

    public override bool TryUnmap(DmaContext context, in DmaMapping mapping, bool isSkipped, string file, int line) =>
        sanitizer.TryUnmap(context, mapping, isSkipped, file, line);

    public override string? DescribeHolders(DmaContext context) => sanitizer.DescribeHolders(context);

    public override string? DescribeHolder(DmaContext context, Iova first, ulong bytes) =>
        sanitizer.DescribeHolder(context, first, bytes);

    public override void OnPeerGone(PeerMemory peer, string file, int line) => sanitizer.OnPeerGone(peer, new CallSite(file, line));

    public override void OnDetach(DmaContext context) => sanitizer.OnDetach(context);
}
