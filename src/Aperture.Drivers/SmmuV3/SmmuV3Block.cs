using System.Runtime.InteropServices;
using Aperture.Core;
using Aperture.Core.PageTables;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Memory that the driver and the unit both know: a table or a queue. Zero at first.</summary>
internal sealed class SmmuV3Block
{
    private readonly ITableMemory _tables;

    private SmmuV3Block(ITableMemory tables, PhysicalAddress address, int bytes) => (_tables, Address, Bytes) = (tables, address, bytes);

    /// <summary>Where it lies: at a multiple of its size.</summary>
    public PhysicalAddress Address { get; }

    /// <summary>Its size.</summary>
    public int Bytes { get; }

    /// <summary>Whether <see cref="Clean"/> does anything.</summary>
    public bool NeedsClean => _tables.NeedsClean;

    /// <summary>Takes memory.</summary>
    /// <param name="tables">Where it comes from.</param>
    /// <param name="bytes">A power of two, at least 64.</param>
    /// <param name="addressBits">Bits of the addresses that the unit reaches.</param>
    /// <returns>Null when there is none.</returns>
    public static SmmuV3Block? TryMake(ITableMemory tables, int bytes, int addressBits) =>
        tables.TryAllocate(bytes, bytes, addressBits, out var address) ? new SmmuV3Block(tables, address, bytes) : null;

    /// <summary>The same.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoMemory"/>: there is none.</exception>
    public static SmmuV3Block Make(ITableMemory tables, int bytes, int addressBits, string what) =>
        TryMake(tables, bytes, addressBits)
        ?? throw new ApertureException(Status.NoMemory, $"there are no 0x{bytes:x} bytes for {what}");

    /// <summary>Reads a word of 64 bits as the CPU sees it.</summary>
    public ulong Load(int offset) => Volatile.Read(ref At(offset));

    /// <summary>Writes a word of 64 bits, whole. <see cref="Clean"/> must follow before the unit is told.</summary>
    public void Store(int offset, ulong value) => Volatile.Write(ref At(offset), value);

    /// <summary>Writes two words, one behind the other.</summary>
    public void Store(int offset, ulong low, ulong high)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(_tables.Memory.Span(Address + (ulong)offset, 2 * sizeof(ulong)));
        words[0] = low;
        words[1] = high;
    }

    /// <summary>Makes what was written visible to a unit that does not snoop.</summary>
    public void Clean(int offset, int bytes)
    {
        if (_tables.NeedsClean)
            _tables.Clean(Address + (ulong)offset, bytes);
    }

    /// <summary>Makes what a unit that does not snoop has written visible.</summary>
    public void Refresh(int offset, int bytes) => _tables.Memory.Cache?.Invalidate(Address + (ulong)offset, (ulong)bytes);

    /// <summary>Copies the words of another one of this size, and cleans them.</summary>
    public void CopyFrom(SmmuV3Block other)
    {
        _tables.Memory.Span(other.Address, Bytes).CopyTo(_tables.Memory.Span(Address, Bytes));
        Clean(0, Bytes);
    }

    /// <summary>Makes all words zero, and cleans them.</summary>
    public void Clear()
    {
        _tables.Memory.Span(Address, Bytes).Clear();
        Clean(0, Bytes);
    }

    /// <summary>Gives it back: the unit must know nothing of it any more.</summary>
    public void Free() => _tables.Free(Address, Bytes);

    private ref ulong At(int offset) =>
        ref MemoryMarshal.AsRef<ulong>(_tables.Memory.Span(Address + (ulong)offset, sizeof(ulong)));
}
