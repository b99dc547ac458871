namespace Aperture.Datasheets.Fimc;

/// <summary>MSCTRL: the input from memory.</summary>
/// <remarks><code>
/// 31       4   3    2      1    0
/// [  ...   ][INPUT][INFORMAT][ENVID]
/// </code></remarks>
/// <param name="Value">The register.</param>
public readonly record struct FimcMemoryControl(uint Value)
{
    /// <summary>[0] ENVID: writing one starts a frame; reads one until it has ended.</summary>
    public const uint Enable = 1 << 0;

    /// <summary>[3] INPUT: the picture comes from memory, not from a camera.</summary>
    public const uint FromMemory = 1 << 3;

    /// <summary>[2:1] INFORMAT: RGB. Zero is YCbCr 4:2:0 of three planes.</summary>
    public const uint Rgb = 3 << 1;

    /// <summary>Whether a frame is started, or goes on.</summary>
    public bool IsEnabled => (Value & Enable) != 0;

    /// <summary>Whether the picture comes from memory.</summary>
    public bool IsFromMemory => (Value & FromMemory) != 0;

    /// <summary>Whether the source is RGB.</summary>
    public bool IsRgb => (Value & Rgb) == Rgb;

    /// <summary>Whether the source is YCbCr 4:2:0.</summary>
    public bool IsYCbCr420 => (Value & Rgb) == 0;
}
