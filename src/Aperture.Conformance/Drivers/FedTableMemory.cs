using Aperture.Conformance.Vectors;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;

namespace Aperture.Conformance.Drivers;

/// <summary>Table memory whose allocator gives out the recorded addresses. What the recorded driver did not allocate comes from
/// behind them.</summary>
public sealed class FedTableMemory : ITableMemory, IDisposable
{
    private const ulong SpareBytes = 64UL << 20;

    private readonly List<Block> _offered = [];                   // recorded allocations that nobody took yet, in order
    private readonly Dictionary<ulong, int> _used = [];           // tables in use: address and size
    private readonly Dictionary<int, Stack<ulong>> _freeSpare = []; // spare tables given back, by size
    private readonly ulong _spareStart;                           // everything from here on is spare
    private readonly PhysicalMemory _seen;                        // what a walker sees that does not snoop: what was cleaned
    private ulong _spare;                                         // the next spare address

    /// <summary>Memory for the tables of a file.</summary>
    public FedTableMemory(VectorFile file)
    {
        var range = RecordedMemory.Extent(file, SpareBytes);
        Memory = new PhysicalMemory(range);
        _seen = new PhysicalMemory(range);
        _spare = _spareStart = range.Start.Value + (range.Length - SpareBytes);
    }

    /// <inheritdoc/>
    public PhysicalMemory Memory { get; }

    /// <summary>The tables in use, by address, with their sizes in bytes.</summary>
    public IReadOnlyDictionary<ulong, int> Used => _used;

    /// <summary>Offers a recorded allocation.</summary>
    public void Offer(ulong address, int size) => _offered.Add(new Block(address, size));

    /// <summary>Withdraws what nobody took.</summary>
    public void WithdrawOffers() => _offered.Clear();

    /// <summary>Whether a table comes from behind the recorded ones.</summary>
    public bool IsSpare(ulong address) => address >= _spareStart;

    /// <inheritdoc/>
    public bool TryAllocate(int bytes, int alignment, int addressBits, out PhysicalAddress table)
    {
        var index = _offered.FindIndex(block => (block.Size == bytes || IsShortRoot(block, bytes))
            && block.Address % (ulong)alignment == 0
            && IsBelow(block.Address, bytes, addressBits)
            && !_used.ContainsKey(block.Address));
        ulong address;
        if (index >= 0)
        {
            address = _offered[index].Address;
            _offered.RemoveAt(index);
        }
        else if (!TryTakeSpare(bytes, alignment, addressBits, out address))
        {
            table = default;
            return false;
        }

        _used.Add(address, bytes);
        table = new PhysicalAddress(address);
        Memory.Span(table, bytes).Clear();
        _seen.Span(table, bytes).Clear();
        return true;
    }

    /// <inheritdoc/>
    public void Free(PhysicalAddress table, int bytes)
    {
        if (!_used.Remove(table.Value, out var size) || size != bytes)
            throw new ApertureException(Status.InvalidArgument, $"no table of {bytes} bytes at {table} is in use");
        if (!IsSpare(table.Value))
            return;
        if (!_freeSpare.TryGetValue(bytes, out var free))
            _freeSpare.Add(bytes, free = []);
        free.Push(table.Value);
    }

    /// <inheritdoc/>
    public void Clean(PhysicalAddress start, int bytes)
    {
        Memory.Span(start, bytes).CopyTo(_seen.Span(start, bytes));
    }

    /// <summary>The first table of which something was written and not cleaned; null when there is none.</summary>
    public ulong? FindUncleaned()
    {
        foreach (var (address, size) in _used)
        {
            var table = new PhysicalAddress(address);
            if (!Memory.Span(table, size).SequenceEqual(_seen.Span(table, size)))
                return address;
        }

        return null;
    }

    /// <summary>The hardware changes a word of 4 or 8 bytes of a table in use.</summary>
    public void Poke(ulong address, ReadOnlySpan<byte> word)
    {
        var end = address + (ulong)word.Length;
        if (!_used.Any(table => table.Key <= address && end <= table.Key + (ulong)table.Value))
            return;
        word.CopyTo(Memory.Span(new PhysicalAddress(address), word.Length));
        word.CopyTo(_seen.Span(new PhysicalAddress(address), word.Length));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Memory.Dispose();
        _seen.Dispose();
    }

    /// <summary>A recorded table that is shorter than a page takes a page if it has to be aligned like one.</summary>
    private static bool IsShortRoot(Block block, int bytes) =>
        block.Size == PhysicalMemory.PageSize && bytes < block.Size && block.Address % PhysicalMemory.PageSize == 0;

    private bool TryTakeSpare(int bytes, int alignment, int addressBits, out ulong address)
    {
        if (_freeSpare.TryGetValue(bytes, out var free) && free.TryPop(out address))
            return true;
        address = (_spare + (ulong)alignment - 1) & ~((ulong)alignment - 1);
        if (!Memory.Contains(new PhysicalAddress(address), (ulong)bytes) || !IsBelow(address, bytes, addressBits))
            return false;
        _spare = address + (ulong)bytes;
        return true;
    }

    private static bool IsBelow(ulong address, int bytes, int addressBits) =>
        addressBits >= 64 || (address + (ulong)bytes - 1) >> addressBits == 0;

    private readonly record struct Block(ulong Address, int Size);
}
