using System.Buffers.Binary;
using System.IO.Compression;

namespace Aperture.Tool.Tests.Run;

/// <summary>Checks a PNG file chunk by chunk.</summary>
internal static class Png
{
    public static void AssertValid(ReadOnlySpan<byte> file, int width, int height)
    {
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10], file[..8].ToArray());
        var data = new MemoryStream();
        var names = new List<string>();
        for (var at = 8; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
            var name = System.Text.Encoding.ASCII.GetString(file.Slice(at + 4, 4));
            var body = file.Slice(at + 8, length);
            Assert.Equal(Crc(file.Slice(at + 4, length + 4)), BinaryPrimitives.ReadUInt32BigEndian(file[(at + 8 + length)..]));
            if (name == "IHDR")
                Assert.Equal((width, height), (BinaryPrimitives.ReadInt32BigEndian(body), BinaryPrimitives.ReadInt32BigEndian(body[4..])));
            if (name == "IDAT")
                data.Write(body);
            names.Add(name);
            at += length + 12;
        }

        Assert.Equal("IHDR", names[0]);
        Assert.Equal("IEND", names[^1]);
        data.Position = 0;
        using var pixels = new MemoryStream();
        using (var inflated = new ZLibStream(data, CompressionMode.Decompress))
            inflated.CopyTo(pixels);
        Assert.Equal(height * ((width * 3) + 1), pixels.Length);
        Assert.True(pixels.ToArray().Distinct().Count() > 8, "the picture is empty");
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320u & (0 - (crc & 1)));
        }

        return ~crc;
    }
}
