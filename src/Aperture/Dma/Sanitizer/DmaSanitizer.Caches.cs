using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// What the CPU's caches hide, on machines that model them.
public sealed unsafe partial class DmaSanitizer
{
    /// <summary>Whether the CPU sees other bytes than those of a copy only because its caches hold what memory held before a device
    /// wrote.</summary>
    private bool IsStale(LiveMapping mapping, ulong from, ulong to)
    {
        if (!mapping.IsCached || _memory is not { Cache: { } cache })
            return false;
        var memory = mapping.Memory + from;
        return _memory.TryGetDramPointer(memory, to - from, out var dram)
            && new ReadOnlySpan<byte>(dram, (int)(to - from)).SequenceEqual(mapping.CopyOf(from, to))
            && !cache.TryFindDirty(memory, to - from, out _);
    }

    /// <summary>A device that does not snoop reads: what it gets is not what the CPU wrote, where that is still in the caches.</summary>
    private void CheckCaches(LiveMapping mapping, ulong from, ulong to, PhysicalAddress physical)
    {
        if (_memory is not { Cache: { } cache } || !mapping.IsCached || physical != mapping.Memory + from
            || !_memory.TryGetDramPointer(physical, to - from, out var dram))
            return;
        var bytes = mapping.Cpu(from, to);
        var seen = new ReadOnlySpan<byte>(dram, (int)(to - from));
        if (bytes.SequenceEqual(seen))
            return;
        ulong first = ulong.MaxValue, last = 0;
        var line = (ulong)cache.LineSize;
        for (var at = from; at < to;)
        {
            var stop = Math.Min(to, ((mapping.Memory.Value + at + line) & ~(line - 1)) - mapping.Memory.Value);
            var cpu = mapping.Cpu(at, stop);
            var memory = seen[(int)(at - from)..(int)(stop - from)];
            if (!cpu.SequenceEqual(memory) && cache.TryFindDirty(mapping.Memory + at, stop - at, out _))
            {
                first = Math.Min(first, at + (ulong)cpu.CommonPrefixLength(memory));
                last = stop - 1;
                while (cpu[(int)(last - at)] == memory[(int)(last - at)])
                    last--;
            }

            at = stop;
        }

        if (first != ulong.MaxValue)
            Report(FindingKind.DeviceReadBehindCache, mapping.Device, mapping.Address + first, last - first + 1,
                $"the device read bytes 0x{first:x} to 0x{last:x} of a mapping from memory, and the CPU's caches still held newer ones",
                default, mapping);
    }
}
