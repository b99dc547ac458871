using System.Buffers.Binary;
using Aperture.Core;

namespace Aperture.Foreign.Tests.Bench;

/// <summary>Descriptors as drivers write them: an address of 8 bytes, a length of 4, flags of 4; the device clears
/// <see cref="Own"/>.</summary>
internal static class Ring
{
    public const int Size = 16;
    public const uint Own = 1u << 31;

    public static void Post(Span<byte> ring, int index, Iova address, int length)
    {
        var place = ring.Slice(index * Size, Size);
        BinaryPrimitives.WriteUInt64LittleEndian(place, address.Value);
        BinaryPrimitives.WriteInt32LittleEndian(place[8..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(place[12..], Own);
    }

    public static Iova AddressOf(ReadOnlySpan<byte> ring, int index) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(ring[(index * Size)..]));

    public static int LengthOf(ReadOnlySpan<byte> ring, int index) => BinaryPrimitives.ReadInt32LittleEndian(ring[((index * Size) + 8)..]);

    public static bool IsDone(ReadOnlySpan<byte> ring, int index) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(ring[((index * Size) + 12)..]) & Own) == 0;
}
