using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Aperture.Datasheets.DmaMaster;

/// <summary>The checksum that READ keeps. Swapped words change it, as wrong ones do.</summary>
/// <remarks>The bytes, filled up with zeros to a multiple of 32, are little-endian words of 64 bits that go to four lanes in
/// turn. Each lane keeps a = a + word and b = b + a, from zero. The sum is that of rotl(b, 8 * lane) xor a over the lanes,
/// in the order of the lanes; all modulo 2^64.</remarks>
public struct DmaMasterChecksum
{
    /// <summary>Bytes of a step over the four lanes.</summary>
    public const int Step = 32;

    private Vector256<ulong> _sums;       // a of each lane
    private Vector256<ulong> _sumsOfSums; // b of each lane

    /// <summary>Takes in bytes.</summary>
    /// <param name="bytes">A multiple of <see cref="Step"/>, except the last piece.</param>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        var whole = bytes.Length & -Step;
        AddSteps(bytes[..whole]);
        if (whole == bytes.Length)
            return;
        Span<byte> last = stackalloc byte[Step];
        last.Clear();
        bytes[whole..].CopyTo(last);
        AddSteps(last);
    }

    /// <summary>The checksum of the bytes so far.</summary>
    public readonly ulong Value
    {
        get
        {
            ulong value = 0;
            for (var lane = 0; lane < Vector256<ulong>.Count; lane++)
                value += ulong.RotateLeft(_sumsOfSums[lane], 8 * lane) ^ _sums[lane];
            return value;
        }
    }

    // Apart from Add, whose stack buffer would keep the lanes out of registers.
    private void AddSteps(ReadOnlySpan<byte> bytes)
    {
        var sums = _sums;
        var sumsOfSums = _sumsOfSums;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        ref var first = ref MemoryMarshal.GetReference(words);
        for (var at = 0; at <= words.Length - Vector256<ulong>.Count; at += Vector256<ulong>.Count)
        {
            var step = Vector256.LoadUnsafe(ref first, (nuint)at);
            sums += BitConverter.IsLittleEndian ? step : Reverse(step);
            sumsOfSums += sums;
        }

        _sums = sums;
        _sumsOfSums = sumsOfSums;
    }

    private static Vector256<ulong> Reverse(Vector256<ulong> step)
    {
        for (var lane = 0; lane < Vector256<ulong>.Count; lane++)
            step = step.WithElement(lane, BinaryPrimitives.ReverseEndianness(step[lane]));
        return step;
    }
}
