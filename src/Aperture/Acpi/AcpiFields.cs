namespace Aperture.Acpi;

/// <summary>Goes over the fields of a structure in the order in which they lie in memory, to read, write or print them: each structure
/// says once what it is made of. All numbers are little-endian.</summary>
public abstract class AcpiFields
{
    /// <summary>An unsigned number.</summary>
    /// <param name="name">What the specification calls it.</param>
    /// <param name="bytes">Its size: 1, 2, 4 or 8.</param>
    /// <param name="value">What it is so far.</param>
    /// <returns>What it is now.</returns>
    public abstract ulong Number(string name, int bytes, ulong value);

    /// <summary>Bytes without meaning here, or text of a fixed length.</summary>
    /// <param name="name">What the specification calls them.</param>
    /// <param name="count">How many there are; negative: all up to the end of the structure.</param>
    /// <param name="value">What they are so far.</param>
    /// <returns>What they are now.</returns>
    public abstract byte[] Bytes(string name, int count, byte[] value);

    /// <summary>Whether a field that later revisions added is there: reading, when it lies within the structure.</summary>
    /// <param name="value">Whether the structure has it so far.</param>
    /// <param name="bytes">Its size.</param>
    public abstract bool Has(bool value, int bytes);

    /// <summary>Structures of the same kind, one behind the other, each with a length that is known from its own content.</summary>
    /// <typeparam name="T">Their kind.</typeparam>
    /// <param name="name">What the specification calls them.</param>
    /// <param name="count">How many there are; negative: all up to the end of the structure around them.</param>
    /// <param name="items">Those there are so far; filled when they are read.</param>
    public abstract void List<T>(string name, int count, IList<T> items)
        where T : AcpiStructure, new();

    /// <summary>Nodes of several types, one behind the other, each with a length of its own.</summary>
    /// <typeparam name="T">What they have in common.</typeparam>
    /// <param name="name">What the specification calls them.</param>
    /// <param name="form">Where they have type and length.</param>
    /// <param name="create">Makes an empty node of a type.</param>
    /// <param name="nodes">Those there are so far; filled when they are read.</param>
    public abstract void Nodes<T>(string name, AcpiNodeForm form, Func<ulong, T> create, IList<T> nodes)
        where T : AcpiNode;

    /// <summary>The place from which offsets in the structure are counted: its own beginning.</summary>
    public abstract int Position { get; }

    /// <summary>How many bytes there are up to an offset in the structure.</summary>
    /// <exception cref="AcpiException">The offset lies before what was read already.</exception>
    public int UpTo(uint offset) => offset >= (uint)Position && offset <= int.MaxValue ? (int)offset - Position
        : throw Wrong($"something is said to be at offset 0x{offset:x} of a structure, where 0x{Position:x} bytes are in use");

    /// <summary>What lies between here and an offset in the structure that something has; it is kept.</summary>
    /// <exception cref="AcpiException">The offset lies before what was read already.</exception>
    public byte[] Gap(uint offset, byte[] value) => Bytes("Gap", UpTo(offset), value);

    /// <summary>One byte.</summary>
    public byte U8(string name, byte value) => (byte)Number(name, 1, value);

    /// <summary>Two bytes.</summary>
    public ushort U16(string name, ushort value) => (ushort)Number(name, 2, value);

    /// <summary>Four bytes.</summary>
    public uint U32(string name, uint value) => (uint)Number(name, 4, value);

    /// <summary>Eight bytes.</summary>
    public ulong U64(string name, ulong value) => Number(name, 8, value);

    /// <summary>Bytes that have to be zero; what is there is kept all the same.</summary>
    public byte[] Reserved(int count, byte[] value) => Bytes("Reserved", count, value.Length == 0 ? new byte[Math.Max(count, 0)] : value);

    /// <summary>What is thrown when a structure cannot be as it is.</summary>
    private protected abstract AcpiException Wrong(string what);
}
