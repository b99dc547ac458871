using System.Buffers.Binary;

namespace Aperture.Datasheets.Nic;

/// <summary>One descriptor of the receive ring in memory, little-endian: [0..8) device address of a buffer, [8..12) its bytes, [12..16)
/// status: [31] DONE, [15:0] bytes of the frame. The card writes the status only.</summary>
/// <param name="Address">Device address of the buffer.</param>
/// <param name="Capacity">Bytes of the buffer.</param>
/// <param name="Status">The status.</param>
public readonly record struct NicReceiveDescriptor(ulong Address, uint Capacity, uint Status)
{
    /// <summary>Bytes of a descriptor.</summary>
    public const int Size = 16;

    /// <summary>Where the status stands in it.</summary>
    public const int StatusOffset = 12;

    /// <summary>Status: the buffer holds a frame.</summary>
    public const uint Done = 1u << 31;

    /// <summary>Whether the buffer holds a frame.</summary>
    public bool IsDone => (Status & Done) != 0;

    /// <summary>Bytes of the frame.</summary>
    public int Length => (int)(Status & 0xFFFF);

    /// <summary>Takes a descriptor out of memory.</summary>
    /// <param name="source">At least <see cref="Size"/> bytes.</param>
    public static NicReceiveDescriptor Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(source),
        BinaryPrimitives.ReadUInt32LittleEndian(source[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[StatusOffset..]));

    /// <summary>Puts the descriptor into memory.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, Address);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Capacity);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[StatusOffset..], Status);
    }
}
