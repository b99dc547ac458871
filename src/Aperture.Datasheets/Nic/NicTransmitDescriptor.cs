using System.Buffers.Binary;

namespace Aperture.Datasheets.Nic;

/// <summary>One descriptor of the transmit ring in memory, little-endian: [0..8) device address of a fragment, [8..12) its bytes, at least
/// 1, [12..16) flags: [0] END, the last fragment of its frame; [31] DONE. The card writes the flags only, when the frame is sent.</summary>
/// <param name="Address">Device address of the fragment.</param>
/// <param name="Length">Bytes of the fragment.</param>
/// <param name="Flags">The flags.</param>
public readonly record struct NicTransmitDescriptor(ulong Address, uint Length, uint Flags)
{
    /// <summary>Bytes of a descriptor.</summary>
    public const int Size = 16;

    /// <summary>Where the flags stand in it.</summary>
    public const int FlagsOffset = 12;

    /// <summary>Flags: the last fragment of its frame.</summary>
    public const uint End = 1 << 0;

    /// <summary>Flags: the frame was sent, the fragment is software's again.</summary>
    public const uint Done = 1u << 31;

    /// <summary>Whether it is the last fragment of its frame.</summary>
    public bool IsEnd => (Flags & End) != 0;

    /// <summary>Whether its frame was sent.</summary>
    public bool IsDone => (Flags & Done) != 0;

    /// <summary>Takes a descriptor out of memory.</summary>
    /// <param name="source">At least <see cref="Size"/> bytes.</param>
    public static NicTransmitDescriptor Read(ReadOnlySpan<byte> source) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(source),
        BinaryPrimitives.ReadUInt32LittleEndian(source[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(source[FlagsOffset..]));

    /// <summary>Puts the descriptor into memory.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(destination, Address);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[8..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[FlagsOffset..], Flags);
    }
}
