using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// What is in the bytes, and who put it there.
public sealed unsafe partial class DmaSanitizer
{
    /// <summary>Takes the copy that later states are compared with.</summary>
    /// <param name="mapping">The mapping.</param>
    /// <param name="pointer">Where the driver finds the memory; 0 when it is not known.</param>
    /// <param name="isManaged">Whether that is on the managed heap, pinned as long as the mapping lives.</param>
    private void StartContents(LiveMapping mapping, nint pointer, bool isManaged)
    {
        if (_memory is null || !_memory.TryGetPointer(mapping.Memory, mapping.Length, out var cpu)
            || (!isManaged && pointer != 0 && pointer != (nint)cpu))
            return;
        if (isManaged)
            cpu = (byte*)pointer;
        if (_copies.Rent(mapping.Length) is not { } copy)
            return;
        mapping.Pointer = cpu;
        mapping.Copy = copy;
        mapping.Cpu(0, mapping.Length).CopyTo(copy);
    }

    private void ForgetContents(LiveMapping mapping)
    {
        if (mapping.Copy is { } copy)
            _copies.Return(copy);
        mapping.Copy = null;
        mapping.Pointer = null;
    }

    private void EndContents(LiveMapping mapping, in DmaEvent call)
    {
        ulong from = 0;
        while (mapping.Owned.NextForeign(ref from, mapping.Length, out var stop))
        {
            if (CheckWrites(mapping, from, stop, "before the mapping ended", SiteOf(call)))
                return;
            from = stop;
        }
    }

    private void GiveToCpu(LiveMapping mapping, ulong from, ulong to, in DmaEvent call)
    {
        // A bounced mapping has been looked at before, and copied back by now: what differs came from the device.
        if (!mapping.Record.IsBounced || mapping.Record.Direction == DmaDirection.ToDevice)
            CheckForeign(mapping, from, to, "before it was synced for the CPU", call);
        Renew(mapping, from, to);
        mapping.Owned.Add(from, to);
    }

    private void GiveToDevice(LiveMapping mapping, ulong from, ulong to, in DmaEvent call)
    {
        // What the CPU writes to memory that the device only reads reaches it by this sync, whoever owned the bytes before.
        if (mapping.Record.Direction != DmaDirection.ToDevice)
            CheckForeign(mapping, from, to, "before it was synced for the CPU", call);
        Renew(mapping, from, to);
        mapping.Owned.Remove(from, to);
    }

    /// <summary>Checks those bytes of a range that the device owns.</summary>
    private void CheckForeign(LiveMapping mapping, ulong from, ulong to, string when, in DmaEvent call)
    {
        while (mapping.Owned.NextForeign(ref from, to, out var stop))
        {
            if (CheckWrites(mapping, from, stop, when, SiteOf(call)))
                return;
            from = stop;
        }
    }

    /// <summary>Looks for bytes that the CPU wrote. True when there were some; each is told once.</summary>
    private bool CheckWrites(LiveMapping mapping, ulong from, ulong to, string when, CallSite site)
    {
        if (mapping.Copy is null || mapping.Cpu(from, to).SequenceEqual(mapping.CopyOf(from, to)))
            return false;
        if (!TryFindWrites(mapping, from, to, out var first, out var last))
            return false;
        var how = mapping.Owned.Touches(first, last + 1) ? "after it was synced for the CPU, and did not give them back,"
            : "which the device owned,";
        Report(FindingKind.CpuWriteWithoutSync, mapping.Device, mapping.Address + first, last - first + 1,
            $"the CPU wrote bytes 0x{first:x} to 0x{last:x} of a mapping, {how} {when}", site, mapping);
        Renew(mapping, first, last + 1);
        return true;
    }

    private bool TryFindWrites(LiveMapping mapping, ulong from, ulong to, out ulong first, out ulong last)
    {
        const ulong Line = 16; // no cache has shorter lines
        first = ulong.MaxValue;
        last = 0;
        for (var at = from; at < to;)
        {
            var stop = Math.Min(to, (at + Line) & ~(Line - 1));
            var cpu = mapping.Cpu(at, stop);
            var copy = mapping.CopyOf(at, stop);
            if (!cpu.SequenceEqual(copy) && !IsStale(mapping, at, stop))
            {
                first = Math.Min(first, at + (ulong)cpu.CommonPrefixLength(copy));
                for (var i = cpu.Length - 1; i >= 0; i--)
                {
                    if (cpu[i] == copy[i])
                        continue;
                    last = at + (ulong)i;
                    break;
                }
            }

            at = stop;
        }

        return first != ulong.MaxValue;
    }

    private static void Renew(LiveMapping mapping, ulong from, ulong to)
    {
        if (mapping.Copy is not null)
            mapping.Cpu(from, to).CopyTo(mapping.CopyOf(from, to));
    }

    /// <summary>A device wrote: no mapping of the same memory takes that for the CPU's doing.</summary>
    private void DeviceWrote(PhysicalAddress physical, ReadOnlySpan<byte> data)
    {
        var first = physical.Value;
        var last = first + ((ulong)data.Length - 1);
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            foreach (var mapping in _physical.On(page << PageIndex.Shift))
            {
                if (mapping.Copy is null || mapping.Record.IsBounced || mapping.Memory.Value > last || first > mapping.MemoryLast)
                    continue;
                var from = Math.Max(first, mapping.Memory.Value);
                var to = Math.Min(last, mapping.MemoryLast) + 1;
                data[(int)(from - first)..(int)(to - first)].CopyTo(mapping.CopyOf(from - mapping.Memory.Value, to - mapping.Memory.Value));
            }
        }
    }
}
