using Aperture.Core;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Tegra;

/// <summary>The PTC: keeps table words by their physical address, an atom at a time, whatever they mean and to whom. A stale word stays
/// until it is flushed or replaced.</summary>
internal sealed class TableWordCache
{
    private const ulong Invalid = ulong.MaxValue;

    private readonly ulong[] _tags;  // physical address of the atom in each line, or Invalid
    private readonly uint[] _words;  // the words, line by line
    private readonly int _atomWords; // words of an atom
    private readonly ulong _atomMask; // offset bits in an atom

    public TableWordCache(int lines, int atom)
    {
        _tags = new ulong[lines];
        _atomWords = atom / sizeof(uint);
        _atomMask = (ulong)atom - 1;
        _words = new uint[lines * _atomWords];
        Clear();
    }

    public ulong Hits { get; private set; }

    public ulong Misses { get; private set; }

    /// <summary>Which lines an address may use: the bits of INDEX_MAP.</summary>
    public uint IndexMap { get; set; }

    /// <summary>Reads an aligned word, from the bus if it is not kept.</summary>
    /// <returns>False for a bus error.</returns>
    public bool TryRead(SystemBus bus, ulong address, out uint word)
    {
        var atom = address & ~_atomMask;
        var line = LineOf(atom);
        var first = line * _atomWords;
        if (_tags[line] == atom)
        {
            Hits++;
        }
        else
        {
            Misses++;
            _tags[line] = Invalid;
            for (var i = 0; i < _atomWords; i++)
            {
                if (!bus.TryRead32(new PhysicalAddress(atom + ((ulong)i * sizeof(uint))), out _words[first + i]))
                {
                    word = 0;
                    return false;
                }
            }

            _tags[line] = atom;
        }

        word = _words[first + (int)((address & _atomMask) / sizeof(uint))];
        return true;
    }

    /// <summary>Forgets the atom at an address, in the line that it may use now.</summary>
    public void Remove(ulong address)
    {
        var atom = address & ~_atomMask;
        if (_tags[LineOf(atom)] == atom)
            _tags[LineOf(atom)] = Invalid;
    }

    public void Clear() => Array.Fill(_tags, Invalid);

    private int LineOf(ulong atom) => (int)((uint)(atom / (_atomMask + 1)) & IndexMap) & (_tags.Length - 1);
}
