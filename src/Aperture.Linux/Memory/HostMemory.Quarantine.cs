using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.Linux.Memory;

// What devices can reach, and memory that was freed meanwhile.
public sealed unsafe partial class HostMemory
{
    private readonly List<MemoryRange> _quarantine = []; // freed while mapped
    private PinnedMemory[] _pinned = [];                 // replaced whole

    /// <summary>Bytes that were freed while a device could still reach them: a forgotten unmap. They are given out again when the last mapping
    /// has gone, at the latest when the driver lets go of the device.</summary>
    public ulong QuarantinedBytes
    {
        get
        {
            lock (_lock)
                return _quarantine.Aggregate(0UL, (sum, range) => sum + range.Length);
        }
    }

    /// <summary>Pins managed memory, so that devices can be given it without a copy: as a whole where it fills pages, else through a bounce buffer
    /// unless the device was opened as one that may see what shares its pages.</summary>
    /// <param name="memory">At least one byte.</param>
    /// <returns>Dispose it to let the memory go; it stays pinned for as long as something is mapped.</returns>
    public PinnedMemory Pin(Memory<byte> memory)
    {
        if (memory.IsEmpty)
            throw new ApertureException(Status.InvalidArgument, "no bytes cannot be pinned");
        var pinned = new PinnedMemory(this, memory);
        lock (_lock)
            Volatile.Write(ref _pinned, [.. _pinned, pinned]);
        return pinned;
    }

    /// <summary>Counts a mapping in.</summary>
    internal void CountMapped(ulong address, ulong size) => Count(new MemoryRange(new PhysicalAddress(address), size), 1);

    /// <summary>Counts a mapping out, and frees what waited for that.</summary>
    internal void CountUnmapped(ulong address, ulong size) => Count(new MemoryRange(new PhysicalAddress(address), size), -1);

    internal void Unpin(PinnedMemory pinned)
    {
        lock (_lock)
            Volatile.Write(ref _pinned, [.. _pinned.Where(other => other != pinned)]);
    }

    private void Count(MemoryRange range, int by)
    {
        var waits = false;
        for (var from = range.Start.Value; Find(from) is { } region && region.Range.Start.Value <= range.Last.Value; from = region.Range.Last.Value + 1)
        {
            region.Count(range, by);
            waits |= region.Quarantined > 0;
        }

        foreach (var pinned in Volatile.Read(ref _pinned))
        {
            if (pinned.Range.Overlaps(range))
                pinned.Count(by);
        }

        if (by < 0 && waits)
            Sweep();
    }

    private void Sweep()
    {
        lock (_lock)
        {
            for (var i = _quarantine.Count - 1; i >= 0; i--)
            {
                var region = Find(_quarantine[i].Start.Value)!;
                if (region.IsMapped(_quarantine[i]))
                    continue;
                region.Quarantined--;
                Release(region, _quarantine[i]);
                _quarantine.RemoveAt(i);
            }
        }
    }
}
