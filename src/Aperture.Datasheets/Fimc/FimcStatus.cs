namespace Aperture.Datasheets.Fimc;

/// <summary>Bits of CISTATUS.</summary>
public static class FimcStatus
{
    /// <summary>[22] IMGCPT_EN: capture is enabled.</summary>
    public const uint CaptureEnabled = 1 << 22;

    /// <summary>[17] FRAMEEND: a frame has ended; write zero to clear.</summary>
    public const uint FrameEnd = 1 << 17;
}
