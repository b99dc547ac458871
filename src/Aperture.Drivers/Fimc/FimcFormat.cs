namespace Aperture.Drivers.Fimc;

/// <summary>How a picture stands in memory. Rows follow one another without gaps.</summary>
public enum FimcFormat
{
    /// <summary>32 bits to a pixel, little-endian: [23:16] red, [15:8] green, [7:0] blue.</summary>
    Xrgb8888,

    /// <summary>16 bits to a pixel, little-endian: [15:11] red, [10:5] green, [4:0] blue.</summary>
    Rgb565,

    /// <summary>YCbCr 4:2:0 in three planes, Y, Cb, Cr, one behind the other; ITU-R BT.601, narrow range. Only as a source.</summary>
    Yuv420,
}
