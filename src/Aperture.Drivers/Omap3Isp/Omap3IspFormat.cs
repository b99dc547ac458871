using Aperture.Datasheets.Omap3Isp;

namespace Aperture.Drivers.Omap3Isp;

/// <summary>What the ISP puts into memory: raw samples of a sensor of 10 bits in the order green red / blue green.</summary>
/// <param name="Width">Pixels; even.</param>
/// <param name="Height">Lines; even.</param>
/// <param name="IsPacked">Whether a pixel is one byte (the upper 8 bits), not two.</param>
public readonly record struct Omap3IspFormat(int Width, int Height, bool IsPacked = true)
{
    /// <summary>Bits of a sample in memory.</summary>
    public int Bits => IsPacked ? 8 : 10;

    /// <summary>Bytes from line to line.</summary>
    public int Stride => ((Width * (IsPacked ? 1 : 2)) + (int)CcdcRegisters.MemoryAlignment - 1) & -(int)CcdcRegisters.MemoryAlignment;

    /// <summary>Bytes of a frame.</summary>
    public int Bytes => Stride * Height;

    /// <summary>Whether the ISP can take such frames.</summary>
    public bool IsValid => Width is >= 2 and <= 8192 && Height is >= 2 and <= 8192 && ((Width | Height) & 1) == 0;
}
