using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// What the CPU's caches hide, on machines that model them, and what they do on boards.
public sealed unsafe partial class DmaSanitizer
{
    private int Line => _memory?.Cache?.LineSize ?? DmaContext.LineOfBoards;

    /// <summary>Finds what shares the first and the last line of the cache with memory that a device writes behind the CPU's
    /// back.</summary>
    private void FindRims(LiveMapping mapping)
    {
        if (mapping.Direction == DmaDirection.ToDevice || mapping.Device.Description.IsCoherent)
            return;
        var rest = (ulong)Line - 1;
        var lead = (int)(mapping.Memory.Value & rest);
        var tail = (int)(~mapping.MemoryLast & rest);
        if ((lead | tail) == 0
            || !_memory!.TryGetPointer(mapping.MemoryAt(-lead), mapping.Length + (ulong)(lead + tail), out _))
            return;
        mapping.Lead = lead;
        mapping.Tail = tail;
    }

    /// <summary>Whether the CPU wrote beside a mapping, in a line of the cache that the device owns the other bytes of: one of both is
    /// lost.</summary>
    private void CheckRims(LiveMapping mapping, CallSite site)
    {
        if (mapping.Copy is null || (mapping.Lead | mapping.Tail) == 0 || mapping.SharesLine)
            return;
        var length = (long)mapping.Length;
        var line = Line;
        if (mapping.Lead > 0)
            CheckRim(mapping, -mapping.Lead, 0, 0, Math.Min(length, line - mapping.Lead), "before", site);
        if (mapping.Tail > 0 && !mapping.SharesLine)
            CheckRim(mapping, length, length + mapping.Tail, Math.Max(0, length + mapping.Tail - line), length, "behind", site);
    }

    private void CheckRim(LiveMapping mapping, long from, long to, long own, long ownEnd, string side, CallSite site)
    {
        if (mapping.Owned.Touches((ulong)own, (ulong)ownEnd) || !TryFindWrites(mapping, from, to, out var first, out var last))
            return;
        Report(FindingKind.SharedCacheLine, mapping.Device, mapping.Address + (ulong)own, (ulong)(ownEnd - own),
            $"the CPU wrote 0x{last - first + 1:x} bytes at {mapping.MemoryAt(first)}, {side} a mapping and in one cache line of {Line} " +
            $"bytes with its bytes 0x{own:x} to 0x{ownEnd - 1:x}, which the device owned; the device does not snoop: one of both is lost",
            site, mapping);
        mapping.Traits |= MappingTraits.SharesLine; // told, and what it does to the bytes is no other mistake
        Renew(mapping, from, to);
        Renew(mapping, own, ownEnd);
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
