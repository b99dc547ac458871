namespace Aperture.Core.Memory;

/// <summary>One contiguous piece of RAM: its bytes as the CPU sees them and as the bus sees them, and what is known of its frames, lines
/// and pages.</summary>
internal sealed unsafe class MemoryRegion : IDisposable
{
    public readonly MemoryRange Range;
    public readonly byte* Bytes;     // what the CPU sees
    public readonly byte* Dram;      // what the bus sees; the same bytes where no caches are modelled
    public readonly ulong* Metadata; // some words per frame
    public readonly byte* Lines;     // what each cached line held when it was last filled or written back; null without caches
    public readonly byte* Uncached;  // per page: not 0 while it has no cached view; null without caches
    public readonly bool IsReadOnly; // for devices
    public readonly bool IsForeign;  // the bytes are somebody else's, and nothing is known of frames
    private readonly List<HostReservation> _reservations = []; // of all of the above

    public MemoryRegion(MemoryRange range, bool hasCaches)
    {
        Range = range;
        try
        {
            Bytes = Reserve(range.Length);
            Metadata = (ulong*)Reserve(range.Length / PhysicalMemory.FrameSize * PhysicalMemory.FrameWords * sizeof(ulong));
            Dram = hasCaches ? Reserve(range.Length) : Bytes;
            Lines = hasCaches ? Reserve(range.Length) : null;
            Uncached = hasCaches ? Reserve(range.Length / PhysicalMemory.PageSize) : null;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public MemoryRegion(MemoryRange range, byte* bytes, bool isReadOnly)
    {
        Range = range;
        Bytes = Dram = bytes;
        IsReadOnly = isReadOnly;
        IsForeign = true;
    }

    /// <summary>Gives the host memory back, and keeps the address space.</summary>
    public void Retire()
    {
        foreach (var reservation in _reservations)
            reservation.Retire();
    }

    public void Dispose()
    {
        foreach (var reservation in _reservations)
            reservation.Dispose();
    }

    private byte* Reserve(ulong bytes)
    {
        var reservation = HostReservation.Reserve(bytes);
        _reservations.Add(reservation);
        return (byte*)reservation.DangerousGetHandle();
    }
}
