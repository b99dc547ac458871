using System.Buffers.Binary;

namespace Aperture.Datasheets.DmaMaster;

/// <summary>One entry of a descriptor list in memory, little-endian: [0..8) device address, [8..16) bytes. Entries of no
/// bytes are skipped.</summary>
/// <param name="Address">Device address of the first byte.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct DmaMasterDescriptor(ulong Address, ulong Length)
{
    /// <summary>Bytes of an entry.</summary>
    public const int Size = 16;

    /// <summary>Takes an entry out of memory.</summary>
    /// <param name="source">At least <see cref="Size"/> bytes.</param>
    public static DmaMasterDescriptor Read(ReadOnlySpan<byte> source) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(source), BinaryPrimitives.ReadUInt64LittleEndian(source[8..]));

    /// <summary>Puts the entry into memory.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, Address);
        BinaryPrimitives.WriteUInt64LittleEndian(destination[8..], Length);
    }
}
