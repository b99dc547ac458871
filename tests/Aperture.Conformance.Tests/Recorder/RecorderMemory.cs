namespace Aperture.Conformance.Tests.Recorder;

/// <summary>The table memory of a library that is being recorded: its allocator as the format's README gives it, and the lines about
/// it.</summary>
/// <param name="wordBytes">Bytes of a table word.</param>
/// <param name="ramBase">Where RAM begins.</param>
internal sealed class RecorderMemory(int wordBytes, ulong ramBase)
{
    private readonly Dictionary<ulong, ulong> _words = [];          // those that are not zero
    private readonly SortedDictionary<ulong, ulong> _before = [];   // of the words that a call wrote: the values before
    private readonly Dictionary<ulong, int> _blocks = [];           // size by address
    private readonly List<(ulong Address, int Size)> _given = [];   // freed blocks, the latest last
    private ulong _unused = ramBase;

    /// <summary>Memory whose next block lies at an address, with the blocks of another that were given back.</summary>
    public RecorderMemory(RecorderMemory other, ulong next)
        : this(other.WordBytes, Math.Max(other._unused, next)) => _given.AddRange(other._given);

    public int WordBytes => wordBytes;

    /// <summary>What was recorded.</summary>
    public List<string> Lines { get; } = [];

    public IReadOnlyDictionary<ulong, int> Blocks => _blocks;

    public ulong this[ulong address]
    {
        get => _words.GetValueOrDefault(address);
        set
        {
            _before.TryAdd(address, this[address]);
            if (value == 0)
                _words.Remove(address);
            else
                _words[address] = value;
        }
    }

    public ulong Allocate(int size, int alignment)
    {
        var last = _given.FindLastIndex(block => block.Size == size && block.Address % (ulong)alignment == 0);
        ulong address;
        if (last >= 0)
        {
            address = _given[last].Address;
            _given.RemoveAt(last);
        }
        else
        {
            address = (_unused + (ulong)alignment - 1) & ~((ulong)alignment - 1);
            _unused = address + (ulong)size;
        }

        Lines.Add($$"""{"e":"alloc","pa":"0x{{address:x}}","size":{{size}},"align":{{alignment}},"kind":"page"}""");
        _blocks.Add(address, size);
        for (var at = address; at < address + (ulong)size; at += (ulong)wordBytes)
        {
            _words.Remove(at);
            _before.Remove(at);
        }

        return address;
    }

    public void Free(ulong address)
    {
        _blocks.Remove(address, out var size);
        _given.Add((address, size));
        Lines.Add($$"""{"e":"free","pa":"0x{{address:x}}","size":{{size}},"kind":"page"}""");
    }

    /// <summary>Ends a call: writes what it changed.</summary>
    public void WriteChanges()
    {
        foreach (var (address, before) in _before)
        {
            if (before != this[address] && IsAllocated(address))
                Lines.Add($$"""{"e":"mem","pa":"0x{{address:x}}","bits":{{wordBytes * 8}},"words":["0x{{this[address]:x}}"]}""");
        }

        _before.Clear();
    }

    /// <summary>The words that are not zero in what is allocated.</summary>
    public Dictionary<ulong, ulong> Words() => _words.Where(word => IsAllocated(word.Key)).ToDictionary();

    private bool IsAllocated(ulong address) => _blocks.Any(block => block.Key <= address && address < block.Key + (ulong)block.Value);
}
