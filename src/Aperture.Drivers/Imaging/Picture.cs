using Aperture.Core;

namespace Aperture.Drivers.Imaging;

/// <summary>A picture in ordinary memory: red, green and blue bytes, row by row, without gaps.</summary>
public sealed class Picture
{
    /// <summary>The largest width and height.</summary>
    public const int MaxSide = 16384;

    private readonly byte[] _pixels;

    /// <summary>A black picture.</summary>
    /// <param name="width">Pixels; 1 to <see cref="MaxSide"/>.</param>
    /// <param name="height">Rows; 1 to <see cref="MaxSide"/>.</param>
    /// <exception cref="ApertureException">A side is out of range.</exception>
    public Picture(int width, int height)
    {
        if (width is < 1 or > MaxSide || height is < 1 or > MaxSide)
            throw new ApertureException(Status.InvalidArgument,
                $"a picture of {width} x {height} pixels cannot be made: sides are 1 to {MaxSide}");
        Width = width;
        Height = height;
        _pixels = new byte[width * height * 3];
    }

    /// <summary>Pixels of a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>All bytes: three to a pixel.</summary>
    public Span<byte> Pixels => _pixels;

    /// <summary>The bytes of a row.</summary>
    public Span<byte> Row(int y) => _pixels.AsSpan(y * Width * 3, Width * 3);

    /// <summary>A pixel: [23:16] red, [15:8] green, [7:0] blue. Bits above are ignored and read zero.</summary>
    public uint this[int x, int y]
    {
        get
        {
            var pixel = Row(y).Slice(x * 3, 3);
            return ((uint)pixel[0] << 16) | ((uint)pixel[1] << 8) | pixel[2];
        }

        set
        {
            var pixel = Row(y).Slice(x * 3, 3);
            pixel[0] = (byte)(value >> 16);
            pixel[1] = (byte)(value >> 8);
            pixel[2] = (byte)value;
        }
    }

    /// <summary>Writes the picture as a PNG file.</summary>
    public void SavePng(string path)
    {
        using var file = File.Create(path);
        PngWriter.Write(file, this);
    }
}
