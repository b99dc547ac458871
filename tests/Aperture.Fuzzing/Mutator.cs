using System.Buffers.Binary;

namespace Aperture.Fuzzing;

/// <summary>Changes inputs as nobody would: bits, numbers of both byte orders, pieces that are left out, doubled, or from another
/// input.</summary>
internal sealed class Mutator(Random random, int maxBytes)
{
    private const int MostChanges = 6;

    private static readonly uint[] s_numbers =
    [
        0, 1, 2, 3, 4, 8, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF,
    ];

    /// <summary>A changed input of a corpus.</summary>
    public byte[] Next(IReadOnlyList<byte[]> corpus)
    {
        List<byte> input = [.. Pick(corpus)];
        for (var changes = random.Next(1, MostChanges + 1); changes > 0; changes--)
            Change(input, corpus);
        if (input.Count > maxBytes)
            input.RemoveRange(maxBytes, input.Count - maxBytes);
        return [.. input];
    }

    /// <summary>Half of the time one of the latest, which reached what others did not.</summary>
    private byte[] Pick(IReadOnlyList<byte[]> corpus) =>
        corpus[random.Next(2) == 0 ? random.Next(corpus.Count) : random.Next(corpus.Count * 3 / 4, corpus.Count)];

    private void Change(List<byte> input, IReadOnlyList<byte[]> corpus)
    {
        if (input.Count == 0)
        {
            input.Add((byte)random.Next(256));
            return;
        }

        var at = random.Next(input.Count);
        switch (random.Next(9))
        {
            case 0:
                input[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                input[at] = (byte)random.Next(256);
                break;
            case 2 or 3:
                Number(input, at, s_numbers[random.Next(s_numbers.Length)] + (uint)random.Next(-1, 2));
                break;
            case 4:
                Number(input, at, (uint)random.Next(input.Count + 8)); // a length or an offset
                break;
            case 5:
                input.RemoveRange(at, random.Next(1, Math.Min(64, input.Count - at) + 1));
                break;
            case 6:
                input.InsertRange(random.Next(input.Count), input.GetRange(at, random.Next(1, Math.Min(64, input.Count - at) + 1)));
                break;
            case 7:
                var from = random.Next(input.Count);
                Copy(input.GetRange(from, Math.Min(random.Next(1, 33), input.Count - from)), input, at);
                break;
            default:
                var other = Pick(corpus);
                var start = random.Next(other.Length);
                Copy([.. other[start..Math.Min(other.Length, start + random.Next(1, 129))]], input, at);
                break;
        }
    }

    private void Number(List<byte> input, int at, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        if (random.Next(2) == 0)
            BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        var size = 1 << random.Next(3);
        at &= ~(size - 1); // where fields lie in most formats
        Copy([.. random.Next(2) == 0 ? bytes[..size] : bytes[^size..]], input, at);
    }

    private static void Copy(List<byte> piece, List<byte> input, int at)
    {
        for (var i = 0; i < piece.Count && at + i < input.Count; i++)
            input[at + i] = piece[i];
    }
}
