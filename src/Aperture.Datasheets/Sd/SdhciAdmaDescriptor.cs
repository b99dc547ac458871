using System.Buffers.Binary;

namespace Aperture.Datasheets.Sd;

/// <summary>One descriptor of an ADMA2 table in memory, with a 32-bit address, little-endian.</summary>
/// <remarks><code>
/// 63       32 31      16 15  6  5  4   3  2    1    0
/// [ address  ][ length  ][    ][act ][ ][int][end][valid]
/// </code>
/// A length of zero means 65536 bytes. Act 0 is a gap, 2 moves data, 3 links to another table.</remarks>
/// <param name="Value">The descriptor.</param>
public readonly record struct SdhciAdmaDescriptor(ulong Value)
{
    /// <summary>Bytes of a descriptor.</summary>
    public const int Size = 8;

    /// <summary>The most bytes that one descriptor moves.</summary>
    public const int MaxLength = 65536;

    /// <summary>[0] VALID.</summary>
    public const uint Valid = 1 << 0;

    /// <summary>[1] END: the last one of the table.</summary>
    public const uint End = 1 << 1;

    /// <summary>[2] INT: raise the DMA interrupt when it is done.</summary>
    public const uint Int = 1 << 2;

    /// <summary>[5:4] ACT: move data.</summary>
    public const uint Transfer = 2 << 4;

    /// <summary>[5:4] ACT: go on at another table.</summary>
    public const uint Link = 3 << 4;

    private const uint ActMask = 3 << 4;

    /// <summary>[31:16] LENGTH, in bytes.</summary>
    public int Length => (int)((Value >> 16) & 0xFFFF) is > 0 and var length ? length : MaxLength;

    /// <summary>[63:32] ADDRESS.</summary>
    public uint Address => (uint)(Value >> 32);

    /// <summary>Whether it counts at all; one that does not is an error.</summary>
    public bool IsValid => (Value & Valid) != 0;

    /// <summary>Whether it is the last one.</summary>
    public bool IsEnd => (Value & End) != 0;

    /// <summary>Whether it raises the DMA interrupt.</summary>
    public bool Interrupts => (Value & Int) != 0;

    /// <summary>Whether it moves data.</summary>
    public bool IsTransfer => (Value & ActMask) == Transfer;

    /// <summary>Whether it links to another table.</summary>
    public bool IsLink => (Value & ActMask) == Link;

    /// <summary>A descriptor that moves data.</summary>
    /// <param name="address">Device address of the first byte, a multiple of 4.</param>
    /// <param name="length">Bytes, 1 to <see cref="MaxLength"/>.</param>
    /// <param name="isEnd">Whether it is the last one.</param>
    public static SdhciAdmaDescriptor ForTransfer(uint address, int length, bool isEnd) =>
        new(((ulong)address << 32) | ((ulong)(ushort)length << 16) | Transfer | Valid | (isEnd ? End : 0));

    /// <summary>Takes a descriptor out of memory.</summary>
    /// <param name="source">At least <see cref="Size"/> bytes.</param>
    public static SdhciAdmaDescriptor Read(ReadOnlySpan<byte> source) => new(BinaryPrimitives.ReadUInt64LittleEndian(source));

    /// <summary>Puts the descriptor into memory.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt64LittleEndian(destination, Value);
}
