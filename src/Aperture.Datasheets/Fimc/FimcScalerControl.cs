namespace Aperture.Datasheets.Fimc;

/// <summary>CISCCTRL.</summary>
/// <remarks><code>
/// 31      30    29   28    27  ...  24     16  15   14   13 12    11 10   9     8        0
/// [bypass][upH][upV][r2y][y2r]     [ hratio ][start][in rgb][out rgb][ext][1:1][ vratio ]
/// </code>The main ratios have 15 bits, 1.0 is 0x4000: here are the upper nine, the lower six are in CIEXTEN.</remarks>
/// <param name="Value">The register.</param>
public readonly record struct FimcScalerControl(uint Value)
{
    /// <summary>[31] SCALERBYPASS: pixels go through one to one.</summary>
    public const uint Bypass = 1u << 31;

    /// <summary>[30] SCALEUP_H: the target is not narrower.</summary>
    public const uint ScaleUpHorizontal = 1 << 30;

    /// <summary>[29] SCALEUP_V: the target is not lower.</summary>
    public const uint ScaleUpVertical = 1 << 29;

    /// <summary>[27] CSCY2R: YCbCr of the whole range to RGB, as opposed to the narrow one; kept without effect.</summary>
    public const uint WideYCbCrToRgb = 1 << 27;

    /// <summary>[15] SCALERSTART.</summary>
    public const uint Start = 1 << 15;

    /// <summary>A main ratio of 1.0.</summary>
    public const int One = 0x4000;

    /// <summary>Whether pixels go through one to one.</summary>
    public bool IsBypass => (Value & Bypass) != 0;

    /// <summary>Whether the scaler runs.</summary>
    public bool IsStarted => (Value & Start) != 0;

    /// <summary>[14:13] INRGB_FMT.</summary>
    public FimcRgbFormat SourceRgb => (FimcRgbFormat)((Value >> 13) & 3);

    /// <summary>[12:11] OUTRGB_FMT.</summary>
    public FimcRgbFormat TargetRgb => (FimcRgbFormat)((Value >> 11) & 3);

    /// <summary>The horizontal main ratio.</summary>
    /// <param name="extension">CIEXTEN.</param>
    public int HorizontalRatio(uint extension) => (int)((((Value >> 16) & 0x1FF) << 6) | ((extension >> 10) & 0x3F));

    /// <summary>The vertical main ratio.</summary>
    /// <param name="extension">CIEXTEN.</param>
    public int VerticalRatio(uint extension) => (int)(((Value & 0x1FF) << 6) | (extension & 0x3F));

    /// <summary>The fields of main ratios and formats.</summary>
    public static FimcScalerControl For(int horizontalRatio, int verticalRatio, FimcRgbFormat source, FimcRgbFormat target) =>
        new((((uint)horizontalRatio >> 6) << 16) | ((uint)verticalRatio >> 6) | ((uint)source << 13) | ((uint)target << 11));

    /// <summary>CIEXTEN for the same ratios.</summary>
    public static uint Extension(int horizontalRatio, int verticalRatio) =>
        (((uint)horizontalRatio & 0x3F) << 10) | ((uint)verticalRatio & 0x3F);
}
