using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Drivers.Imaging;

namespace Aperture.Drivers.Fimc;

/// <summary>A picture in memory that FIMC can be given.</summary>
/// <param name="Memory">At least <see cref="Bytes"/> bytes, whose ownership stays with the caller.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Rows.</param>
/// <param name="Format">What the bytes are.</param>
public readonly record struct FimcImage(MemoryBlock Memory, int Width, int Height, FimcFormat Format)
{
    /// <summary>Bytes of a picture.</summary>
    public static int BytesOf(int width, int height, FimcFormat format) => format switch
    {
        FimcFormat.Xrgb8888 => width * height * 4,
        FimcFormat.Rgb565 => width * height * 2,
        _ => width * height * 3 / 2,
    };

    /// <summary>Bytes of this picture.</summary>
    public int Bytes => BytesOf(Width, Height, Format);

    /// <summary>Byte at which the Cb plane of 4:2:0 begins.</summary>
    public int CbOffset => Width * Height;

    /// <summary>Byte at which the Cr plane of 4:2:0 begins.</summary>
    public int CrOffset => Width * Height * 5 / 4;

    /// <summary>Writes a picture of the same size into the memory, in an RGB format.</summary>
    /// <exception cref="ApertureException">The sizes differ, or the format is not RGB.</exception>
    public void Load(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        if (Format == FimcFormat.Yuv420 || picture.Width != Width || picture.Height != Height)
            throw new ApertureException(Status.InvalidArgument,
                $"a picture of {picture.Width} x {picture.Height} cannot become one of {Width} x {Height} {Format}");
        var bytes = Memory.Span;
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var (colour, at) = (picture[x, y], (y * Width) + x);
                if (Format == FimcFormat.Xrgb8888)
                    BinaryPrimitives.WriteUInt32LittleEndian(bytes[(at * 4)..], colour);
                else
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes[(at * 2)..], (ushort)(((colour >> 8) & 0xF800)
                        | ((colour >> 5) & 0x07E0) | ((colour >> 3) & 0x001F)));
            }
        }
    }

    /// <summary>Makes a picture of the memory, from an RGB format.</summary>
    /// <exception cref="ApertureException">The format is not RGB.</exception>
    public Picture ToPicture()
    {
        if (Format == FimcFormat.Yuv420)
            throw new ApertureException(Status.NotSupported, "only RGB memory becomes a picture; FIMC converts");
        var picture = new Picture(Width, Height);
        var bytes = Memory.Span;
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var at = (y * Width) + x;
                picture[x, y] = Format == FimcFormat.Xrgb8888
                    ? BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at * 4)..])
                    : Widen(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(at * 2)..]));
            }
        }

        return picture;
    }

    private static uint Widen(uint pixel)
    {
        var red = (pixel >> 11) * 0x21 >> 2;
        var green = ((pixel >> 5) & 0x3F) * 0x41 >> 4;
        var blue = (pixel & 0x1F) * 0x21 >> 2;
        return (red << 16) | (green << 8) | blue;
    }
}
