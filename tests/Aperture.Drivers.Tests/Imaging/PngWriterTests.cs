using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Aperture.Core;
using Aperture.Drivers.Imaging;

namespace Aperture.Drivers.Tests.Imaging;

public sealed class PngWriterTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 2)]
    [InlineData(64, 48)]
    public void Writes_what_a_decoder_reads(int width, int height)
    {
        var picture = new Picture(width, height);
        new Random(width * height).NextBytes(picture.Pixels);
        if (height > 4)
            picture.Row(3).CopyTo(picture.Row(4)); // a row like the one above
        using var file = new MemoryStream();
        PngWriter.Write(file, picture);
        Assert.Equal(picture.Pixels.ToArray(), Decode(file.ToArray(), width, height));
    }

    [Fact]
    public void A_picture_holds_its_pixels()
    {
        var picture = new Picture(4, 3);
        picture[3, 2] = 0xFF123456;
        Assert.Equal(0x123456u, picture[3, 2]);
        Assert.Equal([0x12, 0x34, 0x56], picture.Pixels[^3..].ToArray());
        Assert.Throws<ApertureException>(() => new Picture(0, 1));
        Assert.Throws<ApertureException>(() => new Picture(1, Picture.MaxSide + 1));
    }

    [Fact]
    public void Mosaics_become_pictures()
    {
        byte[] raw = [10, 20, 0, 0, 30, 40, 0, 0];
        var picture = BayerPicture.FromGreenRedBlueGreen(raw, 2, 2, 4);
        Assert.Equal([0x140A1Eu, 0x140A1Eu, 0x14281Eu, 0x14281Eu], new[] { picture[0, 0], picture[1, 0], picture[0, 1], picture[1, 1] });
        byte[] wide = [40, 0, 80, 0, 120, 0, 160, 0];
        Assert.Equal(picture.Pixels.ToArray(), BayerPicture.FromGreenRedBlueGreen(wide, 2, 2, 4, bits: 10).Pixels.ToArray());
    }

    private static byte[] Decode(byte[] file, int width, int height)
    {
        Assert.Equal("89504E470D0A1A0A", Convert.ToHexString(file[..8]));
        var data = new MemoryStream();
        var names = new List<string>();
        for (var at = 8; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            var body = file.AsSpan(at + 4, length + 4);
            Assert.Equal(SlowCrc(body), BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)));
            names.Add(Encoding.ASCII.GetString(body[..4]));
            if (names[^1] == "IHDR")
                Assert.Equal((width, height),
                    (BinaryPrimitives.ReadInt32BigEndian(body[4..]), BinaryPrimitives.ReadInt32BigEndian(body[8..])));
            if (names[^1] == "IDAT")
                data.Write(body[4..]);
            at += 12 + length;
        }

        Assert.Equal(["IHDR", "IDAT", "IEND"], names);
        data.Position = 0;
        using var zlib = new ZLibStream(data, CompressionMode.Decompress);
        var pixels = new byte[width * height * 3];
        var stride = width * 3;
        for (var y = 0; y < height; y++)
        {
            var filter = zlib.ReadByte();
            zlib.ReadExactly(pixels, y * stride, stride);
            for (var i = 0; filter == 2 && i < stride; i++)
                pixels[(y * stride) + i] += pixels[((y - 1) * stride) + i];
        }

        Assert.Equal(-1, zlib.ReadByte());
        return pixels;
    }

    private static uint SlowCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((((crc ^ ((uint)value >> bit)) & 1) != 0) ? 0xEDB88320 : 0);
        }

        return ~crc;
    }
}
