using Aperture.Drivers.Fimc;

namespace Aperture.Drivers.Tests.Fimc;

/// <summary>What docs/units/fimc.md says of scaling and colours, pixel by pixel and as plainly as can be.</summary>
internal static class FimcReference
{
    public static byte[] Scale(FimcImage source, FimcImage target, FimcFlip flip)
    {
        var result = new List<byte>();
        var (horizontal, vertical) = (Shift(source.Width, target.Width), Shift(source.Height, target.Height));
        var (stepX, stepY) = ((source.Width << 14) / (target.Width << horizontal), (source.Height << 14) / (target.Height << vertical));
        var (small, low) = (source.Width >> horizontal, source.Height >> vertical);
        var shrunk = new int[small, low, 3];
        for (var y = 0; y < low; y++)
        {
            for (var x = 0; x < small; x++)
            {
                for (var c = 0; c < 3; c++)
                    shrunk[x, y, c] = Average(source, x, y, horizontal, vertical, c);
            }
        }

        for (var row = 0; row < target.Height; row++)
        {
            for (var column = 0; column < target.Width; column++)
            {
                var x = ((flip & FimcFlip.X) != 0 ? target.Width - 1 - column : column) * stepX;
                var y = ((flip & FimcFlip.Y) != 0 ? target.Height - 1 - row : row) * stepY;
                var (r, g, b) = (At(x, y, 0), At(x, y, 1), At(x, y, 2));
                if (target.Format == FimcFormat.Rgb565)
                    result.AddRange(BitConverter.GetBytes((ushort)((r / 8 * 2048) + (g / 4 * 32) + (b / 8))));
                else
                    result.AddRange([(byte)b, (byte)g, (byte)r, 0]);
            }
        }

        return [.. result];

        int At(int x, int y, int c)
        {
            var (x0, y0) = (Math.Min(x / 16384, small - 1), Math.Min(y / 16384, low - 1));
            var (x1, y1) = (Math.Min(x0 + 1, small - 1), Math.Min(y0 + 1, low - 1));
            var upper = Mix(shrunk[x0, y0, c], shrunk[x1, y0, c], x);
            var lower = Mix(shrunk[x0, y1, c], shrunk[x1, y1, c], x);
            return Mix(upper, lower, y);
        }
    }

    private static int Mix(int first, int second, int position)
    {
        var weight = position % 16384 / 64;
        return ((first * (256 - weight)) + (second * weight) + 128) / 256;
    }

    private static int Average(FimcImage source, int x, int y, int horizontal, int vertical, int channel)
    {
        var sum = 0;
        for (var j = 0; j < 1 << vertical; j++)
        {
            for (var i = 0; i < 1 << horizontal; i++)
                sum += Pixel(source, (x << horizontal) + i, (y << vertical) + j)[channel];
        }

        return sum / (1 << (horizontal + vertical));
    }

    private static int[] Pixel(FimcImage image, int x, int y)
    {
        var bytes = image.Memory.Span;
        var at = (y * image.Width) + x;
        switch (image.Format)
        {
            case FimcFormat.Xrgb8888:
                return [bytes[(at * 4) + 2], bytes[(at * 4) + 1], bytes[at * 4]];
            case FimcFormat.Rgb565:
                var pixel = bytes[at * 2] + (bytes[(at * 2) + 1] * 256);
                var (red, green, blue) = (pixel / 2048, pixel / 32 % 64, pixel % 32);
                return [(red * 8) + (red / 4), (green * 4) + (green / 16), (blue * 8) + (blue / 4)];
            default:
                var chroma = (y / 2 * (image.Width / 2)) + (x / 2);
                var luma = 298 * (bytes[at] - 16);
                var cb = bytes[(image.Width * image.Height) + chroma] - 128;
                var cr = bytes[(image.Width * image.Height * 5 / 4) + chroma] - 128;
                return [Clip(luma + (409 * cr)), Clip(luma - (100 * cb) - (208 * cr)), Clip(luma + (516 * cb))];
        }
    }

    private static int Clip(int value) => (int)Math.Clamp(Math.Floor((value + 128) / 256.0), 0, 255);

    private static int Shift(int source, int target)
    {
        var shift = 0;
        while (shift < 5 && source >= target * (2 << shift))
            shift++;
        return shift;
    }
}
