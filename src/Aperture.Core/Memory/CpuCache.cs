using System.Runtime.CompilerServices;

namespace Aperture.Core.Memory;

/// <summary>The caches between a CPU and its memory. The CPU and the bus see different bytes until software cleans or invalidates the
/// lines, as on a board whose devices do not snoop.</summary>
/// <remarks>
/// Drivers touch memory through plain spans, so that single accesses of the CPU cannot be seen. What they did is inferred: for each line a
/// copy is kept of what it held when it was last filled or written back, and a line whose bytes differ from that copy is dirty. A store of
/// the value that was there already cannot be told from none; <see cref="Zero"/> is for those who overwrite memory that a device may have
/// written. Without chaos every line is in the cache all the time, filled at once when it is invalidated: the worst case of speculation.
/// Thread-safe; the CPU and devices may use the memory meanwhile.
/// </remarks>
public sealed unsafe partial class CpuCache
{
    private const int LockCount = 64;

    private MemoryRegion[] _regions; // those of the memory; none once it was given back
    private readonly CpuCacheOptions _options;
    private readonly ulong _line; // bytes to a line
    private readonly Lock[] _locks = new Lock[LockCount]; // by page: guard its copies of lines and whether it is cached
    private readonly CacheChaos? _chaos; // null: lines never leave by themselves

    internal CpuCache(MemoryRegion[] regions, CpuCacheOptions options)
    {
        _regions = regions;
        _options = options;
        _line = (ulong)options.LineSize;
        for (var i = 0; i < LockCount; i++)
            _locks[i] = new Lock();
        _chaos = options.ChaosSeed is { } seed ? new CacheChaos(this, seed, options.ChaosLines) : null;
    }

    /// <summary>Bytes to a line.</summary>
    public int LineSize => _options.LineSize;

    /// <summary>Whether lines leave and enter the cache by themselves.</summary>
    public bool HasChaos => _chaos is not null;

    /// <summary>Finds the first line of a range that the CPU wrote and nobody cleaned.</summary>
    /// <param name="address">The first byte of the range.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="line">The line's first byte, which may lie before the range.</param>
    /// <returns>False when there is none.</returns>
    /// <exception cref="ApertureException">The range is not wholly inside one region of RAM.</exception>
    public bool TryFindDirty(PhysicalAddress address, ulong length, out PhysicalAddress line) =>
        TryFind(address, length, isDirty: true, out line);

    /// <summary>Finds the first clean line of a range whose cached bytes are not those in memory: a device wrote, and nobody
    /// invalidated.</summary>
    /// <inheritdoc cref="TryFindDirty"/>
    public bool TryFindStale(PhysicalAddress address, ulong length, out PhysicalAddress line) =>
        TryFind(address, length, isDirty: false, out line);

    /// <summary>Reads what a dirty line held before the CPU wrote to it: when it was filled or written back last.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="filled">Where the bytes go; they lie in one line.</param>
    /// <returns>Whether the line is dirty; nothing is read otherwise.</returns>
    /// <exception cref="ApertureException">The range is not wholly inside one region of RAM.</exception>
    public bool TryReadFilled(PhysicalAddress address, Span<byte> filled)
    {
        var region = Find(address, (ulong)filled.Length);
        var offset = address.Value - region.Range.Start.Value;
        lock (LockOf(offset))
        {
            if (!IsCached(region, offset) || !IsDirty(region, offset & ~(_line - 1)))
                return false;
            new ReadOnlySpan<byte>(region.Lines + offset, filled.Length).CopyTo(filled);
            return true;
        }
    }

    private bool TryFind(PhysicalAddress address, ulong length, bool isDirty, out PhysicalAddress line)
    {
        line = default;
        if (length == 0)
            return false;
        var region = Find(address, length);
        var offset = address.Value - region.Range.Start.Value;
        var stop = offset + length;
        for (var at = offset & ~(_line - 1); at < stop; at += _line)
        {
            lock (LockOf(at))
            {
                if (!IsCached(region, at) || IsDirty(region, at) != isDirty || (!isDirty && !IsStale(region, at)))
                    continue;
            }

            line = region.Range.Start + at;
            return true;
        }

        return false;
    }

    /// <summary>The memory was given back.</summary>
    internal void Close() => Volatile.Write(ref _regions, []);

    private MemoryRegion Find(PhysicalAddress address, ulong length)
    {
        foreach (var region in _regions)
        {
            if (region.Range.Contains(address, length))
                return region;
        }

        ObjectDisposedException.ThrowIf(_regions.Length == 0, this);
        PhysicalMemory.ThrowNoRam(address, length);
        return null;
    }

    private Lock LockOf(ulong offset) => _locks[(offset / PhysicalMemory.PageSize) % LockCount];

    private static bool IsCached(MemoryRegion region, ulong offset) => region.Uncached[offset / PhysicalMemory.PageSize] == 0;

    // What follows works on one line, with the lock of its page held.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsDirty(MemoryRegion region, ulong offset) => !Line(region.Bytes, offset).SequenceEqual(Line(region.Lines, offset));

    private bool IsStale(MemoryRegion region, ulong offset) => !Line(region.Dram, offset).SequenceEqual(Line(region.Lines, offset));

    private ReadOnlySpan<byte> Line(byte* bytes, ulong offset) => new(bytes + offset, (int)_line);

    /// <summary>Writes the line to memory, all of it, as silicon does: also where a device wrote since.</summary>
    private void WriteBack(MemoryRegion region, ulong offset)
    {
        var cpu = (ulong*)(region.Bytes + offset);
        var dram = (ulong*)(region.Dram + offset);
        var copy = (ulong*)(region.Lines + offset);
        for (var i = 0UL; i < _line / sizeof(ulong); i++)
        {
            // Word by word, so that a walker never sees half an entry; read once, so that a store meanwhile leaves the line dirty.
            var word = Volatile.Read(ref cpu[i]);
            Volatile.Write(ref dram[i], word);
            copy[i] = word;
        }
    }

    /// <summary>Reads the line from memory, whatever it held.</summary>
    private void Fill(MemoryRegion region, ulong offset)
    {
        var cpu = (ulong*)(region.Bytes + offset);
        var dram = (ulong*)(region.Dram + offset);
        var copy = (ulong*)(region.Lines + offset);
        for (var i = 0UL; i < _line / sizeof(ulong); i++)
        {
            var word = Volatile.Read(ref dram[i]);
            copy[i] = word;
            Volatile.Write(ref cpu[i], word);
        }
    }

    /// <summary>Reads the line from memory except for what the CPU has written to it, up to this moment.</summary>
    /// <returns>Whether the CPU sees other bytes now.</returns>
    private bool Refill(MemoryRegion region, ulong offset)
    {
        var cpu = (ulong*)(region.Bytes + offset);
        var dram = (ulong*)(region.Dram + offset);
        var copy = (ulong*)(region.Lines + offset);
        var changed = false;
        for (var i = 0UL; i < _line / sizeof(ulong); i++)
        {
            var word = Volatile.Read(ref dram[i]);
            if (word == copy[i] || Interlocked.CompareExchange(ref cpu[i], word, copy[i]) != copy[i])
                continue;
            copy[i] = word;
            changed = true;
        }

        return changed;
    }
}
