using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Aperture.Datasheets.DmaMaster;

/// <summary>The pattern that FILL writes and VERIFY expects: a stream of bytes that depends on the seed and on the place in
/// the stream, so that a page in the wrong place is as wrong as a page with wrong bytes.</summary>
/// <remarks>With k = mix(seed) of 64 bits, the 32-bit little-endian word number i (from zero, modulo 2^32) is
/// <code>
/// x = i * 0x9E3779B1 xor k[31:0];  x = (x xor x >> 16) * 0x85EBCA6B;  word = x xor x >> 13 xor k[63:32]
/// mix(s): s += 0x9E3779B97F4A7C15;  s = (s xor s >> 30) * 0xBF58476D1CE4E5B9;
///         s = (s xor s >> 27) * 0x94D049BB133111EB;  mix = s xor s >> 31
/// </code>
/// all modulo 2^32 and 2^64.</remarks>
public static class DmaMasterPattern
{
    private const uint Step = 0x9E37_79B1;
    private const uint Scramble = 0x85EB_CA6B;

    /// <summary>Writes a piece of the pattern.</summary>
    /// <param name="destination">Where it goes.</param>
    /// <param name="seed">Which pattern.</param>
    /// <param name="position">Place in the pattern of the first byte, in bytes.</param>
    public static void Fill(Span<byte> destination, ulong seed, ulong position)
    {
        var key = Mix(seed);
        var index = (uint)(position / sizeof(uint));
        var skip = (int)(position % sizeof(uint));
        if (skip != 0)
        {
            var count = Math.Min(sizeof(uint) - skip, destination.Length);
            CopyWord(Word(key, index++), skip, destination[..count]);
            destination = destination[count..];
        }

        var words = MemoryMarshal.Cast<byte, uint>(destination);
        FillWords(words, key, index);
        var rest = destination[(words.Length * sizeof(uint))..];
        if (!rest.IsEmpty)
            CopyWord(Word(key, index + (uint)words.Length), 0, rest);
    }

    private static void FillWords(Span<uint> words, ulong key, uint index)
    {
        var at = 0;
        if (Vector256.IsHardwareAccelerated && BitConverter.IsLittleEndian && words.Length >= Vector256<uint>.Count)
        {
            var low = Vector256.Create((uint)key);
            var high = Vector256.Create((uint)(key >> 32));
            var product = (Vector256.Create(index) + Vector256<uint>.Indices) * Step;
            var next = Vector256.Create(unchecked((uint)Vector256<uint>.Count * Step));
            for (; at <= words.Length - Vector256<uint>.Count; at += Vector256<uint>.Count)
            {
                var x = product ^ low;
                x = (x ^ (x >> 16)) * Scramble;
                x = x ^ (x >> 13) ^ high;
                x.CopyTo(words[at..]);
                product += next;
            }
        }

        for (; at < words.Length; at++)
        {
            var word = Word(key, index + (uint)at);
            words[at] = BitConverter.IsLittleEndian ? word : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word);
        }
    }

    private static uint Word(ulong key, uint index)
    {
        var x = (index * Step) ^ (uint)key;
        x = (x ^ (x >> 16)) * Scramble;
        return x ^ (x >> 13) ^ (uint)(key >> 32);
    }

    private static void CopyWord(uint word, int skip, Span<byte> destination)
    {
        for (var i = 0; i < destination.Length; i++)
            destination[i] = (byte)(word >> ((skip + i) * 8));
    }

    private static ulong Mix(ulong seed)
    {
        seed += 0x9E37_79B9_7F4A_7C15;
        seed = (seed ^ (seed >> 30)) * 0xBF58_476D_1CE4_E5B9;
        seed = (seed ^ (seed >> 27)) * 0x94D0_49BB_1331_11EB;
        return seed ^ (seed >> 31);
    }
}
