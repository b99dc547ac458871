using Aperture.Core;

namespace Aperture.Dma.Sanitizer;

// What is in the bytes, and who put it there.
public sealed unsafe partial class DmaSanitizer
{
    private const long Chunk = 16; // no cache has shorter lines

    /// <summary>Takes the copy that later states are compared with.</summary>
    /// <param name="mapping">The mapping.</param>
    /// <param name="pointer">Where the driver finds the memory; 0 when it is not known.</param>
    /// <param name="isManaged">Whether that is on the managed heap, pinned as long as the mapping lives.</param>
    /// <param name="isLazy">Whether there need be no copy before the CPU takes the memory: until then it cannot write it.</param>
    private void StartContents(LiveMapping mapping, nint pointer, bool isManaged, bool isLazy)
    {
        mapping.Traits &= ~MappingTraits.Lazy;
        mapping.IsManaged = isManaged;
        mapping.Pointer = null;
        mapping.Lead = 0;
        mapping.Tail = 0;
        if (_memory is null || !_memory.TryGetPointer(mapping.Memory, mapping.Length, out var cpu)
            || (!isManaged && pointer != 0 && pointer != (nint)cpu))
            return;
        if (isManaged)
        {
            cpu = (byte*)pointer;
        }
        else if (isLazy && _isLazy && !_pages.IsTaken(mapping.Memory.Value, mapping.MemoryLast))
        {
            mapping.Pointer = cpu;
            mapping.Traits |= MappingTraits.Lazy;
            return;
        }
        else
        {
            FindRims(mapping);
        }

        if (mapping.Space.Rent(_copies, mapping.Length + (ulong)(mapping.Lead + mapping.Tail)) is not { } copy)
            return;
        mapping.Pointer = cpu;
        mapping.Copy = copy;
        mapping.Traits |= MappingTraits.Copied;
        Renew(mapping, -mapping.Lead, (long)mapping.Length + mapping.Tail);
    }

    private void ForgetContents(LiveMapping mapping)
    {
        if (mapping.Copy is { } copy)
            mapping.Space.Return(_copies, copy);
        mapping.Copy = null;
        mapping.Pointer = null;
        mapping.Traits &= ~(MappingTraits.Lazy | MappingTraits.Copied);
        mapping.Lead = 0;
        mapping.Tail = 0;
    }

    private void EndContents(LiveMapping mapping, in DmaEvent call, CallSite site)
    {
        CheckRims(mapping, site);
        var isSynced = (call.Attributes & DmaAttributes.SkipCpuSync) == 0;
        if (isSynced)
            BringBack(mapping, 0, mapping.Length);
        if (CheckForeign(mapping, 0, mapping.Length, "before the mapping ended", site) || !isSynced)
            return;
        CheckBuried(mapping, 0, mapping.Length, "the unmap", site);
        if (mapping.Direction != DmaDirection.ToDevice)
            CheckOwn(mapping, 0, mapping.Length, "the unmap", site);
    }

    /// <summary>Bytes are going to be taken from caches and bounce buffers: what the CPU wrote to the memory meanwhile will be
    /// gone.</summary>
    private void BeforeCpu(LiveMapping mapping, ulong from, ulong to, string when, CallSite site)
    {
        CheckRims(mapping, site);
        BringBack(mapping, from, to);
        CheckBuried(mapping, from, to, "the sync", site);
        if (!CheckForeign(mapping, from, to, when, site) && mapping.Direction != DmaDirection.ToDevice)
            CheckOwn(mapping, from, to, "the sync", site);
    }

    private void GiveToCpu(LiveMapping mapping, ulong from, ulong to, SyncStep step, CallSite site)
    {
        if (step == SyncStep.CpuOwns)
            CheckForeign(mapping, from, to, "before they were the CPU's", site);
        else if (!mapping.IsCached && !mapping.IsBounced)
            BeforeCpu(mapping, from, to, "before it was synced for the CPU", site); // else that was told of before
        Renew(mapping, from, to);
        mapping.Traits |= MappingTraits.Moved;
        mapping.Owned.Add(from, to);
        mapping.Fresh.Remove(from, to);
        mapping.Told.Remove(from, to);
        mapping.Brought.Remove(from, to);
    }

    private void GiveToDevice(LiveMapping mapping, ulong from, ulong to, in DmaEvent call)
    {
        var site = SiteOf(call);
        CheckRims(mapping, site);
        // What the CPU writes to memory that the device only reads reaches it by this sync, whoever owned the bytes before.
        if (mapping.Direction != DmaDirection.ToDevice)
            CheckForeign(mapping, from, to, "before it was synced for the CPU", site);
        CheckOverwritten(mapping, from, to, site);
        mapping.Owned.Remove(from, to);
        mapping.Fresh.Remove(from, to);
        mapping.Told.Remove(from, to);
        if (!mapping.IsBounced || mapping.Direction != DmaDirection.FromDevice)
            mapping.Brought.Remove(from, to);
        Renew(mapping, from, to);
    }

    /// <summary>A sync copies over what the device wrote to a bounce buffer. A driver that took a part of the bytes, and gives back all,
    /// knows that there are more.</summary>
    private void CheckOverwritten(LiveMapping mapping, ulong from, ulong to, CallSite site)
    {
        if (mapping is not { IsBounced: true, Direction: DmaDirection.Bidirectional } || mapping.Owned.Touches(from, to)
            || !TryFindFresh(mapping.Fresh, from, to, out var first, out var last))
            return;
        Report(FindingKind.DeviceWriteLost, mapping.Device, mapping.Address + first, last - first + 1,
            $"the device wrote bytes 0x{first:x} to 0x{last:x} of a mapping, and a sync for the device put those of the CPU over them "
            + "before they were synced for the CPU", site, mapping);
    }

    /// <summary>The first and the last byte that a device wrote, of a range.</summary>
    private static bool TryFindFresh(ByteRanges fresh, ulong from, ulong to, out ulong first, out ulong last)
    {
        var isFound = fresh.Next(ref from, to, out var stop);
        (first, last) = (from, stop - 1);
        for (from = stop; isFound && fresh.Next(ref from, to, out stop); from = stop)
            last = stop - 1;
        return isFound;
    }

    /// <summary>Checks those bytes of a range that the device owns. True when the CPU wrote some.</summary>
    private bool CheckForeign(LiveMapping mapping, ulong from, ulong to, string when, CallSite site)
    {
        while (mapping.Owned.NextOther(ref from, to, out var stop))
        {
            if (CheckWrites(mapping, from, stop, when, site))
                return true;
            from = stop;
        }

        return false;
    }

    /// <summary>Checks those bytes of a range that are the CPU's: what it wrote there is overwritten by what the device sees.</summary>
    private void CheckOwn(LiveMapping mapping, ulong from, ulong to, string by, CallSite site)
    {
        for (ulong stop; mapping.Owned.Next(ref from, to, out stop); from = stop)
        {
            if (!TryFindWrites(mapping, (long)from, (long)stop, out var first, out var last))
                continue;
            Report(FindingKind.CpuWriteWithoutSync, mapping.Device, mapping.Address + (ulong)first, (ulong)(last - first) + 1,
                $"the CPU wrote bytes 0x{first:x} to 0x{last:x} of a mapping after they were synced for it, and did not give them back: "
                + $"{by} brings what the device sees over them", site, mapping);
            Renew(mapping, first, last + 1);
            return;
        }
    }

    /// <summary>Looks for bytes that the CPU wrote. True when there were some; each is told once.</summary>
    private bool CheckWrites(LiveMapping mapping, ulong from, ulong to, string when, CallSite site)
    {
        if (!TryFindWrites(mapping, (long)from, (long)to, out var first, out var last)
            || mapping.Told.Covers((ulong)first, (ulong)last + 1))
            return false;
        if (mapping.IsCached)
            mapping.Told.Add((ulong)first, (ulong)last + 1); // a device may write memory behind it, and differ again
        var how = mapping.Owned.Touches((ulong)first, (ulong)last + 1) ? "after it was synced for the CPU, and did not give them back,"
            : "which the device owned,";
        Report(FindingKind.CpuWriteWithoutSync, mapping.Device, mapping.Address + (ulong)first, (ulong)(last - first) + 1,
            $"the CPU wrote bytes 0x{first:x} to 0x{last:x} of a mapping, {how} {when}", site, mapping);
        Renew(mapping, first, last + 1);
        return true;
    }

    private static bool IsBrought(LiveMapping mapping, long from, long to) =>
        !mapping.Brought.IsEmpty && to > 0 && mapping.Brought.Touches((ulong)Math.Max(from, 0), (ulong)to);

    private bool TryFindWrites(LiveMapping mapping, long from, long to, out long first, out long last)
    {
        first = long.MaxValue;
        last = 0;
        if (mapping.Copy is null || WideBytes.AreSame(mapping.Cpu(from, to), mapping.CopyOf(from, to)))
            return false;
        for (var at = from; at < to;)
        {
            var stop = Math.Min(to, at + Chunk - (long)(mapping.MemoryAt(at).Value & (Chunk - 1)));
            var cpu = mapping.Cpu(at, stop);
            var copy = mapping.CopyOf(at, stop);
            if (!cpu.SequenceEqual(copy) && !IsBrought(mapping, at, stop)
                && TryFindWrites(mapping, at, cpu, copy, out var one, out var other))
            {
                first = Math.Min(first, at + one);
                last = at + other;
            }

            at = stop;
        }

        return first != long.MaxValue;
    }

    /// <summary>The same for what lies in one line of any cache.</summary>
    private bool TryFindWrites(
        LiveMapping mapping, long at, ReadOnlySpan<byte> cpu, ReadOnlySpan<byte> copy, out int first, out int last)
    {
        Span<byte> filled = stackalloc byte[cpu.Length];
        var isDirty = false;
        if (mapping.IsCached && _memory!.Cache is { } cache)
        {
            isDirty = cache.TryReadFilled(mapping.MemoryAt(at), filled);
            // The CPU sees older bytes than those of the copy only because its caches hold what memory held before a device wrote.
            if (!isDirty && _memory.TryGetDramPointer(mapping.MemoryAt(at), (ulong)cpu.Length, out var dram)
                && new ReadOnlySpan<byte>(dram, cpu.Length).SequenceEqual(copy))
            {
                first = last = 0;
                return false;
            }
        }

        (first, last) = (int.MaxValue, 0);
        for (var i = 0; i < cpu.Length; i++)
        {
            if (cpu[i] == copy[i] || (isDirty && cpu[i] == filled[i]))
                continue;
            first = Math.Min(first, i);
            last = i;
        }

        return first != int.MaxValue;
    }

    private void Renew(LiveMapping mapping, ulong from, ulong to)
    {
        if (mapping.Copy is null)
            return;
        // What shares the lines at the ends changes hands with them.
        Renew(mapping, from == 0 ? -mapping.Lead : (long)from, to == mapping.Length ? (long)to + mapping.Tail : (long)to);
    }

    /// <summary>Takes the bytes as they are: in clean lines of the cache those of memory, which the CPU is going to see.</summary>
    private void Renew(LiveMapping mapping, long from, long to)
    {
        if (mapping.Copy is null)
            return;
        var cpu = mapping.Cpu(from, to);
        WideBytes.Copy(cpu, mapping.CopyOf(from, to));
        if (!mapping.IsCached || _memory is not { Cache: { } cache }
            || !_memory.TryGetDramPointer(mapping.MemoryAt(from), (ulong)(to - from), out var memory))
            return;
        var dram = new ReadOnlySpan<byte>(memory, (int)(to - from));
        if (cpu.SequenceEqual(dram))
            return;
        for (var at = from; at < to;)
        {
            var stop = Math.Min(to, at + Chunk - (long)(mapping.MemoryAt(at).Value & (Chunk - 1)));
            if (!cache.TryFindDirty(mapping.MemoryAt(at), (ulong)(stop - at), out _))
                dram[(int)(at - from)..(int)(stop - from)].CopyTo(mapping.CopyOf(at, stop));
            at = stop;
        }
    }

    /// <summary>A device wrote: no mapping of the same memory takes that for the CPU's doing.</summary>
    private void DeviceWrote(PhysicalAddress physical, ReadOnlySpan<byte> data)
    {
        var first = physical.Value;
        var last = first + ((ulong)data.Length - 1);
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            foreach (var mapping in _pages.On(page << PageIndex.Shift))
                CopyWritten(mapping, first, data);
        }
    }

    private static void CopyWritten(LiveMapping mapping, ulong first, ReadOnlySpan<byte> data)
    {
        var last = first + ((ulong)data.Length - 1);
        if (mapping.IsBounced)
            Bring(mapping, first, last);
        if (mapping.Copy is null || mapping.IsBounced)
            return;
        var start = mapping.MemoryAt(-mapping.Lead).Value;
        var end = mapping.MemoryLast + (ulong)mapping.Tail;
        if (start > last || first > end)
            return;
        var from = Math.Max(first, start);
        var to = Math.Min(last, end) + 1;
        data[(int)(from - first)..(int)(to - first)]
            .CopyTo(mapping.CopyOf((long)(from - mapping.Memory.Value), (long)(to - mapping.Memory.Value)));
    }
}
