using System.Buffers.Binary;
using System.IO.Compression;

namespace Aperture.Drivers.Imaging;

/// <summary>Writes pictures as PNG (ISO/IEC 15948): 8-bit RGB, no interlace.</summary>
public static class PngWriter
{
    private static readonly uint[] CrcTable = MakeCrcTable();

    /// <summary>Writes a picture.</summary>
    /// <param name="output">Where it goes; need not be seekable.</param>
    /// <param name="picture">The picture.</param>
    public static void Write(Stream output, Picture picture)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(picture);
        output.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);

        Span<byte> header = stackalloc byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, picture.Width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], picture.Height);
        header[8] = 8; // bits of a sample
        header[9] = 2; // RGB
        header[10..].Clear();
        WriteChunk(output, "IHDR"u8, header);

        using var data = new MemoryStream();
        using (var compressor = new ZLibStream(data, CompressionLevel.Optimal, leaveOpen: true))
        {
            for (var y = 0; y < picture.Height; y++)
                WriteRow(compressor, y == 0 ? default : picture.Row(y - 1), picture.Row(y));
        }

        WriteChunk(output, "IDAT"u8, data.GetBuffer().AsSpan(0, (int)data.Length));
        WriteChunk(output, "IEND"u8, []);
    }

    private static void WriteRow(ZLibStream compressor, ReadOnlySpan<byte> above, ReadOnlySpan<byte> row)
    {
        // A row like the one above is all zeros under filter 2 ("up"), which test pictures are full of.
        if (!above.SequenceEqual(row))
        {
            compressor.WriteByte(0);
            compressor.Write(row);
            return;
        }

        compressor.WriteByte(2);
        for (var i = 0; i < row.Length; i++)
            compressor.WriteByte(0);
    }

    private static void WriteChunk(Stream output, ReadOnlySpan<byte> type, ReadOnlySpan<byte> content)
    {
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, content.Length);
        output.Write(word);
        output.Write(type);
        output.Write(content);
        BinaryPrimitives.WriteUInt32BigEndian(word, ~Crc(Crc(uint.MaxValue, type), content));
        output.Write(word);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
            crc = CrcTable[(byte)(crc ^ value)] ^ (crc >> 8);
        return crc;
    }

    private static uint[] MakeCrcTable()
    {
        var table = new uint[256];
        for (uint i = 0; i < 256; i++)
        {
            var crc = i;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? 0xEDB8_8320 ^ (crc >> 1) : crc >> 1;
            table[i] = crc;
        }

        return table;
    }
}
