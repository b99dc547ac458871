namespace Aperture.Datasheets.Fimc;

/// <summary>How RGB pixels stand in memory: INRGB_FMT and OUTRGB_FMT of CISCCTRL.</summary>
public enum FimcRgbFormat
{
    /// <summary>16 bits, little-endian: [15:11] red, [10:5] green, [4:0] blue.</summary>
    Rgb565 = 0,

    /// <summary>18 bits in 32.</summary>
    Rgb666 = 1,

    /// <summary>32 bits, little-endian: [23:16] red, [15:8] green, [7:0] blue.</summary>
    Rgb888 = 2,
}
