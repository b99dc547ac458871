using System.Numerics;

namespace Aperture.Hardware.Rockchip;

/// <summary>Lines of table entries as a walker read them, by the device addresses that they are for.</summary>
/// <param name="lines">Number of lines, a power of two.</param>
/// <param name="entries">Entries of a line, a power of two.</param>
internal sealed class RockchipLineCache(int lines, int entries)
{
    private const ulong Nothing = ulong.MaxValue;

    private readonly int _shift = BitOperations.Log2((uint)entries);
    private readonly uint[] _words = new uint[lines * entries];
    private readonly ulong[] _numbers = NoLines(lines); // which line of the address space each is

    /// <summary>The remembered entry of a number, if there is one.</summary>
    public bool TryGet(uint number, out uint word)
    {
        var line = Slot(number);
        word = _words[(line << _shift) | (int)(number & ((1u << _shift) - 1))];
        return _numbers[line] == number >> _shift;
    }

    /// <summary>The place for the line of an entry, to be filled from its first entry on.</summary>
    public Span<uint> Take(uint number, out uint first)
    {
        var line = Slot(number);
        first = number >> _shift << _shift;
        _numbers[line] = number >> _shift;
        return _words.AsSpan(line << _shift, 1 << _shift);
    }

    /// <summary>Forgets the line of an entry.</summary>
    public void Remove(uint number)
    {
        if (_numbers[Slot(number)] == number >> _shift)
            _numbers[Slot(number)] = Nothing;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => Array.Fill(_numbers, Nothing);

    private int Slot(uint number) => (int)(number >> _shift) & (_numbers.Length - 1);

    private static ulong[] NoLines(int lines)
    {
        var numbers = new ulong[lines];
        Array.Fill(numbers, Nothing);
        return numbers;
    }
}
