using Aperture.Core;
using Aperture.Core.Memory;

namespace Aperture.Linux.Memory;

// What devices can reach, and memory that was freed meanwhile.
public sealed partial class HostMemory
{
    private readonly List<MemoryRange> _quarantine = []; // freed while mapped

    /// <summary>Bytes that were freed while a device could still reach them: a forgotten unmap. They are given out again when the last
    /// mapping has gone, at the latest when the driver lets go of the device.</summary>
    public ulong QuarantinedBytes
    {
        get
        {
            lock (_lock)
                return _quarantine.Aggregate(0UL, (sum, range) => sum + range.Length);
        }
    }

    /// <summary>Counts a mapping in.</summary>
    internal void CountMapped(ulong address, ulong size) => Count(new MemoryRange(new PhysicalAddress(address), size), 1);

    /// <summary>Counts a mapping out, and frees what waited for that.</summary>
    internal void CountUnmapped(ulong address, ulong size) => Count(new MemoryRange(new PhysicalAddress(address), size), -1);

    private void Count(MemoryRange range, int by)
    {
        var waits = false;
        for (var from = range.Start.Value; Find(from) is { } region; from = region.Range.Last.Value + 1)
        {
            if (region.Range.Start.Value > range.Last.Value)
                break;
            region.Count(range, by);
            waits |= region.HasQuarantine;
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
                region.CountQuarantined(-1);
                Release(region, _quarantine[i]);
                _quarantine.RemoveAt(i);
            }
        }
    }
}
