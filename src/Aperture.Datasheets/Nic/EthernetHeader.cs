using System.Buffers.Binary;

namespace Aperture.Datasheets.Nic;

/// <summary>The header of an Ethernet frame (IEEE 802.3, clause 3): destination and source address of six bytes, and a type of two, all
/// with the most significant byte first.</summary>
/// <param name="Destination">Who shall have it; all ones for everybody.</param>
/// <param name="Source">Who sent it.</param>
/// <param name="Type">What follows.</param>
public readonly record struct EthernetHeader(ulong Destination, ulong Source, ushort Type)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 14;

    /// <summary>The address of everybody.</summary>
    public const ulong Broadcast = 0xFFFF_FFFF_FFFF;

    /// <summary>A type for experiments within one network (IEEE 802, local experimental EtherType 1).</summary>
    public const ushort Experimental = 0x88B5;

    /// <summary>Takes a header out of a frame.</summary>
    /// <param name="source">At least <see cref="Size"/> bytes.</param>
    public static EthernetHeader Read(ReadOnlySpan<byte> source) =>
        new(ReadAddress(source), ReadAddress(source[6..]), BinaryPrimitives.ReadUInt16BigEndian(source[12..]));

    /// <summary>Puts the header into a frame.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        WriteAddress(destination, Destination);
        WriteAddress(destination[6..], Source);
        BinaryPrimitives.WriteUInt16BigEndian(destination[12..], Type);
    }

    private static ulong ReadAddress(ReadOnlySpan<byte> bytes) =>
        ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);

    private static void WriteAddress(Span<byte> bytes, ulong address)
    {
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(address >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], (uint)address);
    }
}
