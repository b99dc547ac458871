
namespace Aperture.Dma.Sanitizer;

// What other devices put into memory that a device uses through a copy of its own.
public sealed partial class DmaSanitizer
{
    /// <summary>A bounce buffer is going to be copied to memory: other mappings of it do not take that for the CPU's doing.</summary>
    private void BringBack(LiveMapping source, ulong from, ulong to)
    {
        if (!source.IsBounced)
            return;
        for (ulong stop; source.Fresh.Next(ref from, to, out stop); from = stop)
        {
            var first = source.Memory.Value + from;
            var last = source.Memory.Value + stop - 1;
            for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
            {
                foreach (var mapping in _pages.On(page << PageIndex.Shift))
                {
                    if (mapping != source)
                        Bring(mapping, first, last);
                }
            }
        }
    }

    private static void Bring(LiveMapping mapping, ulong first, ulong last)
    {
        var memory = mapping.Memory.Value;
        if (!mapping.IsStreaming || mapping.IsManaged || memory > last || first > mapping.MemoryLast)
            return;
        mapping.Traits |= MappingTraits.Moved;
        mapping.Brought.Add(Math.Max(first, memory) - memory, Math.Min(last, mapping.MemoryLast) - memory + 1);
    }

    /// <summary>A device reads its bounce buffer: others may have put newer bytes into the memory.</summary>
    private void CheckOutdated(LiveMapping mapping, ulong from, ulong to)
    {
        if (!mapping.IsBounced || !TryFindFresh(mapping.Brought, from, to, out var first, out var last))
            return;
        Report(FindingKind.CpuWriteWithoutSync, mapping.Device, mapping.Address + first, last - first + 1,
            $"another device wrote bytes 0x{first:x} to 0x{last:x} of a mapping after they were copied to its bounce buffer, and the "
            + "device read what was there before", default, mapping);
        mapping.Brought.Remove(from, to);
        Renew(mapping, from, to);
    }

    /// <summary>What the device sees is going to be put over the memory: others may have written there.</summary>
    private void CheckBuried(LiveMapping mapping, ulong from, ulong to, string by, CallSite site)
    {
        if (mapping.Direction == DmaDirection.ToDevice || (!mapping.IsBounced && !mapping.IsCached)
            || !TryFindFresh(mapping.Brought, from, to, out var first, out var last))
            return;
        Report(FindingKind.DeviceWriteLost, mapping.Device, mapping.Address + first, last - first + 1,
            $"another device wrote bytes 0x{first:x} to 0x{last:x} of a mapping meanwhile, and {by} brings what this device sees over them",
            site, mapping);
    }

    /// <summary>Whether no other mapping lies on the pages of one; false, too, where that takes a search.</summary>
    private bool IsAlone(LiveMapping mapping)
    {
        var (first, last) = (mapping.Memory.Value >> PageIndex.Shift, mapping.MemoryLast >> PageIndex.Shift);
        return last - first <= 1 && IsAloneOn(mapping, first) && IsAloneOn(mapping, last);
    }

    private bool IsAloneOn(LiveMapping mapping, ulong page) => _pages.OwnerOf(page) == mapping.Space
        && _pages.FirstOf(mapping.Space, page) == mapping.Slot && mapping.NextOn(page) == 0;

    /// <summary>Whether the end or a sync of a mapping for the CPU concerns no other device.</summary>
    private bool IsNobodyElses(LiveMapping mapping) =>
        mapping.Brought.IsEmpty && (!mapping.IsBounced || mapping.Fresh.IsEmpty || IsAlone(mapping));
}
