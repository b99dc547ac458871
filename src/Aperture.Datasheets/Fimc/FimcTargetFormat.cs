namespace Aperture.Datasheets.Fimc;

/// <summary>CITRGFMT.</summary>
/// <remarks><code>
/// 31      30    29 28          16 15  14 13       12           0
/// [INROT90][format][   width     ][ flip ][OUTROT90][   height   ]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct FimcTargetFormat(uint Value)
{
    private const int FormatShift = 29;
    private const uint Rgb = 3;

    /// <summary>[30:29] OUTFORMAT: whether the target is RGB.</summary>
    public bool IsRgb => ((Value >> FormatShift) & 3) == Rgb;

    /// <summary>[28:16] pixels of a line.</summary>
    public int Width => (int)((Value >> 16) & 0x1FFF);

    /// <summary>[12:0] lines.</summary>
    public int Height => (int)(Value & 0x1FFF);

    /// <summary>[14] the picture is mirrored left to right.</summary>
    public bool FlipX => (Value & (1 << 14)) != 0;

    /// <summary>[15] the picture is mirrored top to bottom.</summary>
    public bool FlipY => (Value & (1 << 15)) != 0;

    /// <summary>[31] INROT90 or [13] OUTROT90.</summary>
    public bool Rotates => (Value & ((1u << 31) | (1 << 13))) != 0;

    /// <summary>An RGB target.</summary>
    public static FimcTargetFormat ForRgb(int width, int height, bool flipX, bool flipY) =>
        new((Rgb << FormatShift) | (((uint)width & 0x1FFF) << 16) | ((uint)height & 0x1FFF) | (flipX ? 1u << 14 : 0)
            | (flipY ? 1u << 15 : 0));
}
