using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

/// <summary>Takes the calls of the DMA API to a sanitizer.</summary>
internal sealed class SanitizerObserver(DmaSanitizer sanitizer) : DmaObserver
{
    public override void OnCall(DmaContext context, in DmaEvent call) => sanitizer.OnCall(context, call);

    public override string? DescribeHolders(DmaContext context) => sanitizer.DescribeHolders(context);

    public override string? DescribeHolder(DmaContext context, Iova first, ulong bytes) =>
        sanitizer.DescribeHolder(context, first, bytes);

    public override void OnPeerGone(PeerMemory peer, string file, int line) => sanitizer.OnPeerGone(peer, new CallSite(file, line));

    public override void OnDetach(DmaContext context) => sanitizer.OnDetach(context);
}
