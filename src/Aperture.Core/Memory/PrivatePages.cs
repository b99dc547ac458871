namespace Aperture.Core.Memory;

/// <summary>Which pages of a confidential machine's RAM are its own, and which it shares with the outside, devices included. All are
/// private at first.</summary>
/// <remarks>What tells them apart on silicon is an address bit or a table that software cannot reach around; here it is a flag that the bus
/// looks at. Table walkers are not kept out. Thread-safe.</remarks>
public sealed class PrivatePages
{
    private readonly PhysicalMemory _memory;
    private readonly Dictionary<ulong, byte[]> _shared; // by the start of a region: 1 for each page that is shared

    internal PrivatePages(PhysicalMemory memory)
    {
        _memory = memory;
        _shared = memory.Regions.ToDictionary(region => region.Start.Value, region => new byte[region.Length / PhysicalMemory.PageSize]);
    }

    /// <summary>Whether any byte of a range of RAM is private.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="length">Bytes.</param>
    /// <returns>False also where there is no RAM.</returns>
    public bool IsPrivate(PhysicalAddress address, ulong length)
    {
        if (length == 0)
            return false;
        foreach (var (start, shared) in _shared)
        {
            var first = Math.Max(address.Value, start);
            var last = Math.Min(address.Value + (length - 1), start + ((ulong)shared.Length * PhysicalMemory.PageSize) - 1);
            if (first > last)
                continue;
            var pages = shared.AsSpan((int)((first - start) / PhysicalMemory.PageSize),
                (int)((last - start) / PhysicalMemory.PageSize) - (int)((first - start) / PhysicalMemory.PageSize) + 1);
            if (pages.IndexOf((byte)0) >= 0)
                return true;
        }

        return false;
    }

    /// <summary>Shares pages. What they held is lost: they read as zero.</summary>
    /// <param name="range">Whole pages of one region of RAM.</param>
    /// <exception cref="ApertureException">It is none.</exception>
    public void Share(MemoryRange range) => Set(range, 1);

    /// <summary>Makes pages private again. What they held is lost: they read as zero.</summary>
    /// <inheritdoc cref="Share"/>
    public void MakePrivate(MemoryRange range) => Set(range, 0);

    private void Set(MemoryRange range, byte value)
    {
        foreach (var (start, shared) in _shared)
        {
            var offset = range.Start.Value - start;
            if (offset / PhysicalMemory.PageSize >= (ulong)shared.Length || range.Length == 0
                || (offset + range.Length) % PhysicalMemory.PageSize != 0 || offset % PhysicalMemory.PageSize != 0
                || (offset + range.Length) / PhysicalMemory.PageSize > (ulong)shared.Length)
                continue;
            Clear(range);
            shared.AsSpan((int)(offset / PhysicalMemory.PageSize), (int)(range.Length / PhysicalMemory.PageSize)).Fill(value);
            return;
        }

        throw new ApertureException(Status.InvalidArgument, $"{range.Length} bytes at {range.Start} are no whole pages of RAM to share");
    }

    private void Clear(MemoryRange range)
    {
        if (_memory.Cache is { } cache)
        {
            cache.Zero(range.Start, range.Length);
            cache.Clean(range.Start, range.Length);
            return;
        }

        for (ulong done = 0; done < range.Length; done += PhysicalMemory.PageSize)
            _memory.Span(range.Start + done, PhysicalMemory.PageSize).Clear();
    }
}
