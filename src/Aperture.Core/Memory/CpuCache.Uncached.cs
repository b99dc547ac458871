namespace Aperture.Core.Memory;

/// <content>Memory that has no cached view, for what the CPU and devices must see alike at any time.</content>
public sealed unsafe partial class CpuCache
{
    /// <summary>What every byte of the cached view reads as while memory has none.</summary>
    public const byte Poison = 0xB9;

    private readonly Lock _uncachedLock = new(); // guards the next; taken before the lock of a page
    private readonly SortedDictionary<ulong, ulong> _uncached = []; // ranges without a cached view: start and length

    /// <summary>Is told of the first byte that somebody wrote to the cached view of memory that had none, when that memory gets it
    /// back.</summary>
    public Action<PhysicalAddress>? AliasWritten { get; set; }

    /// <summary>The ranges without a cached view, lowest first.</summary>
    public IReadOnlyList<MemoryRange> UncachedRanges
    {
        get
        {
            lock (_uncachedLock)
                return [.. _uncached.Select(entry => new MemoryRange(new PhysicalAddress(entry.Key), entry.Value))];
        }
    }

    /// <summary>Takes whole pages out of the cache: their lines are cleaned and invalidated, and software must use what
    /// <see cref="PhysicalMemory.TryGetDramPointer"/> gives. The cached view reads as <see cref="Poison"/>, and what is written to it
    /// reaches nobody.</summary>
    /// <param name="range">Whole pages of one region.</param>
    /// <exception cref="ApertureException">The range is misaligned, not RAM, or a page of it has no cached view already.</exception>
    public void MakeUncached(MemoryRange range)
    {
        var region = Find(range);
        _chaos?.Disturb(range.Start, range.Length);
        long writtenBack = 0;
        lock (_uncachedLock)
        {
            var offset = range.Start.Value - region.Range.Start.Value;
            for (var page = offset; page < offset + range.Length; page += PhysicalMemory.PageSize)
            {
                if (!IsCached(region, page))
                    throw new ApertureException(
                        Status.AlreadyExists, $"{range} holds page {region.Range.Start + page}, which has no cached view already");
            }

            _uncached.Add(range.Start.Value, range.Length);
            for (var page = offset; page < offset + range.Length; page += PhysicalMemory.PageSize)
            {
                lock (LockOf(page))
                {
                    for (var at = page; at < page + PhysicalMemory.PageSize; at += _line)
                    {
                        if (!IsDirty(region, at))
                            continue;
                        WriteBack(region, at);
                        writtenBack++;
                    }

                    region.Uncached[page / PhysicalMemory.PageSize] = 1;
                    Page(region.Bytes, page).Fill(Poison);
                }
            }
        }

        Count(range.Length, range.Length, writtenBack, 0);
    }

    /// <summary>Gives pages their cached view back, which then holds what memory holds.</summary>
    /// <param name="range">Exactly what <see cref="MakeUncached"/> was given.</param>
    /// <returns>Whether nobody wrote to the cached view meanwhile; <see cref="AliasWritten"/> is told otherwise.</returns>
    /// <exception cref="ApertureException">The range was not made uncached as a whole.</exception>
    public bool MakeCached(MemoryRange range)
    {
        var region = Find(range);
        bool isIntact;
        PhysicalAddress written;
        lock (_uncachedLock)
        {
            if (!_uncached.TryGetValue(range.Start.Value, out var length) || length != range.Length)
                throw new ApertureException(Status.InvalidArgument, $"{range} was not taken out of the cache as a whole");
            isIntact = !TryFindAlias(range, out written);
            _uncached.Remove(range.Start.Value);
            var offset = range.Start.Value - region.Range.Start.Value;
            for (var page = offset; page < offset + range.Length; page += PhysicalMemory.PageSize)
            {
                lock (LockOf(page))
                {
                    region.Uncached[page / PhysicalMemory.PageSize] = 0;
                    Page(region.Dram, page).CopyTo(Page(region.Lines, page));
                    Page(region.Lines, page).CopyTo(Page(region.Bytes, page));
                }
            }
        }

        if (isIntact)
            return true;
        Interlocked.Increment(ref _aliasWrites);
        AliasWritten?.Invoke(written);
        return false;
    }

    /// <summary>Whether a byte lies in memory without a cached view.</summary>
    /// <exception cref="ApertureException">It is not RAM.</exception>
    public bool IsUncached(PhysicalAddress address)
    {
        var region = Find(address, 1);
        return !IsCached(region, address.Value - region.Range.Start.Value);
    }

    /// <summary>Looks for what was written to the cached view of memory that has none: whoever wrote it used a pointer that he should
    /// not have had any more.</summary>
    /// <returns>For each such range the first byte that was written; empty when all is well.</returns>
    public IReadOnlyList<PhysicalAddress> CheckAlias()
    {
        var found = new List<PhysicalAddress>();
        lock (_uncachedLock)
        {
            foreach (var (start, length) in _uncached)
            {
                if (TryFindAlias(new MemoryRange(new PhysicalAddress(start), length), out var address))
                    found.Add(address);
            }
        }

        return found;
    }

    private static Span<byte> Page(byte* bytes, ulong offset) => new(bytes + offset, PhysicalMemory.PageSize);

    private bool TryFindAlias(MemoryRange range, out PhysicalAddress address)
    {
        var region = Find(range);
        var offset = range.Start.Value - region.Range.Start.Value;
        for (var page = offset; page < offset + range.Length; page += PhysicalMemory.PageSize)
        {
            var place = Page(region.Bytes, page).IndexOfAnyExcept(Poison);
            address = region.Range.Start + page + (ulong)Math.Max(place, 0);
            if (place >= 0)
                return true;
        }

        address = default;
        return false;
    }

    private MemoryRegion Find(MemoryRange range) =>
        range.Length != 0 && range.Start.IsAligned(PhysicalMemory.PageSize) && range.Length % PhysicalMemory.PageSize == 0
            ? Find(range.Start, range.Length)
            : throw new ApertureException(
                Status.InvalidArgument, $"0x{range.Length:x} bytes at {range.Start} are not a whole number of pages");
}
