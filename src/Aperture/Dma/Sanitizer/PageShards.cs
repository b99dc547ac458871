namespace Aperture.Dma.Sanitizer;

/// <summary>The mappings on each page of memory. Different pages are seldom guarded by the same gate.</summary>
internal sealed class PageShards
{
    private const int Count = 256;

    private readonly Shard[] _shards = [.. Enumerable.Range(0, Count).Select(_ => new Shard())];

    public void Add(LiveMapping mapping, ulong first, ulong last)
    {
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            using var shard = Hold(page << PageIndex.Shift);
            shard.Pages.Add(mapping, page << PageIndex.Shift, page << PageIndex.Shift);
        }
    }

    public void Remove(LiveMapping mapping, ulong first, ulong last)
    {
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            using var shard = Hold(page << PageIndex.Shift);
            shard.Pages.Remove(mapping, page << PageIndex.Shift, page << PageIndex.Shift);
        }
    }

    /// <summary>The mappings on one page. For who holds all spaces: nobody adds or removes.</summary>
    public PageIndex.Chain On(ulong address) => ShardOf(address >> PageIndex.Shift).Pages.On(address);

    /// <summary>Whether a range has pages with mappings.</summary>
    public bool HasAny(ulong first, ulong last)
    {
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            using var shard = Hold(page << PageIndex.Shift);
            if (shard.Pages.On(page << PageIndex.Shift).MoveNext())
                return true;
        }

        return false;
    }

    /// <summary>Keeps others away from a page, and those that share its gate, until the result is disposed: for a moment.</summary>
    public Held Hold(ulong address)
    {
        var shard = ShardOf(address >> PageIndex.Shift);
        if (Interlocked.CompareExchange(ref shard.IsHeld, 1, 0) != 0)
            Wait(shard);
        return new Held(shard);
    }

    private static void Wait(Shard shard)
    {
        var wait = default(SpinWait);
        do
            wait.SpinOnce(-1); // gives the processor away, and does not sleep
        while (Interlocked.CompareExchange(ref shard.IsHeld, 1, 0) != 0);
    }

    private Shard ShardOf(ulong page) => _shards[(page ^ (page >> 8)) % Count];

    /// <summary>A page that is held.</summary>
    public readonly ref struct Held
    {
        private readonly Shard _shard;

        internal Held(Shard shard) => _shard = shard;

        public PageIndex Pages => _shard.Pages;

        public void Dispose() => Volatile.Write(ref _shard.IsHeld, 0);
    }

    /// <summary>Some pages.</summary>
    internal sealed class Shard
    {
        public int IsHeld; // 1 while somebody is at it

        public PageIndex Pages { get; } = new();
    }
}
