using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Linux.Native;

namespace Aperture.Linux.Memory;

/// <summary>A piece of this process's memory that was set aside for devices: a file in memory, of huge pages where possible. Knows for each
/// page in how many mappings it is.</summary>
internal sealed unsafe class HostRegion
{
    private const ulong HugePage = 2 << 20;

    private readonly int[] _mapped; // per page: number of mappings
    private int _quarantined;       // number of blocks that were freed while something was mapped, or are being freed now

    private HostRegion(nint address, ulong length, bool isHuge)
    {
        Range = new MemoryRange(new PhysicalAddress((ulong)address), length);
        IsHuge = isHuge;
        _mapped = new int[length / PhysicalMemory.PageSize];
    }

    /// <summary>Where it is.</summary>
    public MemoryRange Range { get; }

    /// <summary>Whether it is made of huge pages.</summary>
    public bool IsHuge { get; }

    /// <summary>The free pages; null for a region that is one allocation.</summary>
    public BuddyZone? Zone { get; private set; }

    /// <summary>Whether a block was freed while something of it was mapped, or is being freed now.</summary>
    public bool HasQuarantine => Volatile.Read(ref _quarantined) > 0;

    /// <summary>Makes a region.</summary>
    /// <param name="bytes">Whole pages.</param>
    /// <param name="alignment">A power of two of at least 2 MiB.</param>
    /// <param name="huge">Whether it is made of huge pages.</param>
    /// <returns>Null when the host has no memory for it.</returns>
    public static HostRegion? Create(ulong bytes, ulong alignment, HugePages huge)
    {
        if (huge != HugePages.Never && (bytes >= HugePage || huge == HugePages.Require))
        {
            var whole = (bytes + HugePage - 1) & ~(HugePage - 1);
            if (Place(whole, alignment, Libc.MemfdHugePages) is var address and not 0)
                return new HostRegion(address, whole, true);
            if (huge == HugePages.Require)
                return null;
        }

        return Place(bytes, alignment, 0) is var plain and not 0 ? new HostRegion(plain, bytes, false) : null;
    }

    /// <summary>Lets allocations be made out of the region.</summary>
    public void Divide()
    {
        Zone = new BuddyZone(Range);
        var first = Range.Start.Value / PhysicalMemory.PageSize;
        for (ulong page = 0; page < (ulong)_mapped.Length; page++)
            Zone.Free(first + page, 0);
    }

    /// <summary>Counts a mapping of a range in or out.</summary>
    /// <param name="range">What was mapped; what lies outside does not count here.</param>
    /// <param name="by">1 or -1.</param>
    public void Count(MemoryRange range, int by)
    {
        var first = Math.Max(range.Start.Value, Range.Start.Value) - Range.Start.Value;
        var last = Math.Min(range.Last.Value, Range.Last.Value) - Range.Start.Value;
        for (var page = first / PhysicalMemory.PageSize; page <= last / PhysicalMemory.PageSize; page++)
            Interlocked.Add(ref _mapped[page], by);
    }

    /// <summary>Counts a block into quarantine or out of it. Who frees counts in and then looks whether pages are mapped; who unmaps
    /// counts the pages out and then looks for a quarantine. Both counts are full barriers: a plain store may be seen after the load
    /// behind it, and then neither would see the other.</summary>
    /// <param name="by">1 or -1.</param>
    public void CountQuarantined(int by) => Interlocked.Add(ref _quarantined, by);

    /// <summary>Whether a byte of a range is mapped.</summary>
    public bool IsMapped(MemoryRange range)
    {
        var page = (range.Start - Range.Start) / PhysicalMemory.PageSize;
        var last = (range.Last - Range.Start) / PhysicalMemory.PageSize;
        for (; page <= last; page++)
        {
            if (Volatile.Read(ref _mapped[page]) != 0)
                return true;
        }

        return false;
    }

    /// <summary>Gives the memory back to the host.</summary>
    public void Release() => Libc.Unmap((nint)Range.Start.Value, (nuint)Range.Length);

    /// <summary>Maps a new file in memory at an aligned place.</summary>
    /// <returns>The place, or 0.</returns>
    private static nint Place(ulong bytes, ulong alignment, uint flags)
    {
        using var file = Libc.CreateMemoryFile("aperture", Libc.MemfdCloseOnExec | flags);
        if (file.IsInvalid || Libc.Truncate(file, (long)bytes) < 0)
            return 0;
        var reserved = Libc.Map(0, (nuint)(bytes + alignment), 0, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, 0);
        if (reserved == Libc.MapFailed)
            return 0;
        var start = ((ulong)reserved + alignment - 1) & ~(alignment - 1);
        Libc.Unmap(reserved, (nuint)(start - (ulong)reserved));
        Libc.Unmap((nint)(start + bytes), (nuint)((ulong)reserved + alignment - start));
        var place = Libc.Map((nint)start, (nuint)bytes, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared | Libc.MapFixed, file, 0);
        if (place != Libc.MapFailed)
            return place;
        Libc.Unmap((nint)start, (nuint)bytes);
        return 0;
    }
}
