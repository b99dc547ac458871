namespace Aperture.Drivers.Imaging;

/// <summary>Raw sensor data to a picture.</summary>
public static class BayerPicture
{
    /// <summary>Makes a picture from a mosaic in the order green red / blue green: each square of four pixels takes its red and
    /// blue from the two that have them, each pixel its own green or that of its neighbour in the row.</summary>
    /// <param name="raw">The rows.</param>
    /// <param name="width">Pixels; even.</param>
    /// <param name="height">Rows; even.</param>
    /// <param name="stride">Bytes from row to row.</param>
    /// <param name="bits">8: a byte to a pixel; 9 to 16: two bytes, little-endian, with so many bits in use.</param>
    public static Picture FromGreenRedBlueGreen(ReadOnlySpan<byte> raw, int width, int height, int stride, int bits = 8)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual((width | height) & 1, 0, nameof(width));
        var picture = new Picture(width, height);
        for (var y = 0; y < height; y += 2)
        {
            var upper = raw[(y * stride)..];
            var lower = raw[((y + 1) * stride)..];
            for (var x = 0; x < width; x += 2)
            {
                var colours = ((uint)Sample(upper, x + 1, bits) << 16) | Sample(lower, x, bits);
                picture[x, y] = picture[x + 1, y] = colours | ((uint)Sample(upper, x, bits) << 8);
                picture[x, y + 1] = picture[x + 1, y + 1] = colours | ((uint)Sample(lower, x + 1, bits) << 8);
            }
        }

        return picture;
    }

    private static byte Sample(ReadOnlySpan<byte> row, int x, int bits) =>
        bits == 8 ? row[x] : (byte)((row[x * 2] | (row[(x * 2) + 1] << 8)) >> (bits - 8));
}
