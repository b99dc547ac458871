using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Drivers.Imaging;

namespace Aperture.Drivers.Omap3Isp;

/// <summary>A frame that the ISP has written. The memory is the client's until it is given back by
/// <see cref="Omap3IspStream.Queue"/>, or the stream ends.</summary>
/// <param name="Sequence">Number of the frame since the stream began; frames without a buffer are counted too.</param>
/// <param name="Index">Which buffer.</param>
/// <param name="Status"><see cref="Core.Status.IoError"/> when lines were lost on the way to memory.</param>
/// <param name="Memory">The bytes.</param>
/// <param name="Format">What they are.</param>
public readonly record struct Omap3IspFrame(uint Sequence, int Index, Status Status, MemoryBlock Memory, Omap3IspFormat Format)
{
    /// <summary>Makes a picture of the frame.</summary>
    public Picture ToPicture() =>
        BayerPicture.FromGreenRedBlueGreen(Memory.Span, Format.Width, Format.Height, Format.Stride, Format.Bits);
}
