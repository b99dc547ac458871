using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

// What the CPU looks at.
public sealed unsafe partial class DmaSanitizer
{
    private const int MaxUnseen = 64; // mappings that ended without a sync, and that may be looked at
    private const int MaxLooks = 64;  // between two calls

    private readonly List<Look> _looks = [];    // not judged yet: the CPU may have taken the bytes to write them
    private readonly List<Unseen> _unseen = []; // ended without a sync after the device wrote, and not looked at since
    private int _suspicions;                    // in both

    /// <summary>Bytes that the CPU took while they were the device's.</summary>
    private readonly record struct Look(LiveMapping Mapping, ulong From, ulong To, CallSite Site, string Message);

    /// <summary>A driver takes the bytes of a block: it is going to touch them.</summary>
    internal void OnSpan(byte* pointer, PhysicalAddress address, int length)
    {
        if (!_options.WatchSpans || length == 0 || !_memory!.TryGetPointer(address, (ulong)length, out var cpu) || cpu != pointer)
            return;
        var (first, last) = (address.Value, address.Value + ((ulong)length - 1));
        var isNew = _pages.Take(first, last);
        if (_suspicions == 0 && !HasMappings(first, last, isNew))
            return;
        using (HoldAll())
        {
            TakeCopies(first, last);
            if (_unseen.Count > 0)
                CheckUnseen(address, (ulong)length);
            if (FindLook(first, last) is { } look
                && _looks.Count < MaxLooks && !IsAllowedNow(look.Mapping.Device) && !KnownFindings.Has(FindingKind.CpuReadBeforeSync)
                && !_looks.Exists(known => known.Mapping == look.Mapping && known.From == look.From && known.To == look.To))
                _looks.Add(look with { Site = CallSite.OfDriver() });
            CountSuspicions();
        }
    }

    /// <summary>Whether there may be mappings on the pages of a range.</summary>
    /// <param name="first">The first byte.</param>
    /// <param name="last">The last one.</param>
    /// <param name="isNew">Whether the CPU has just taken some: a call that did not see that yet is waited for.</param>
    private bool HasMappings(ulong first, ulong last, bool isNew)
    {
        SpaceWatch? waited = null;
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            if (isNew && _pages.OwnerOf(page) is { } space && space != waited)
            {
                if (TryHold(space) is null)
                    return true;
                space.Lock.Exit();
                waited = space;
            }

            if (_pages.MayHaveAny(page))
                return true;
        }

        return false;
    }

    /// <summary>The CPU takes memory that it could not write so far: from now on it is compared.</summary>
    private void TakeCopies(ulong first, ulong last)
    {
        for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
        {
            foreach (var mapping in _pages.On(page << PageIndex.Shift))
            {
                if (mapping.IsLazy)
                    StartContents(mapping, (nint)mapping.Pointer, false, isLazy: false);
            }
        }
    }

    /// <summary>How much waits to be judged, for those who do not hold all.</summary>
    private void CountSuspicions() => Volatile.Write(ref _suspicions, _looks.Count + _unseen.Count);

    /// <summary>What of a span is none of the CPU's business: all of it; or bytes that the device wrote and that were not synced, when the
    /// span is of one mapping. Of a span that is more than a mapping the driver may want just what is its own.</summary>
    private Look? FindLook(ulong first, ulong last)
    {
        LiveMapping? culprit = null;
        var isWhole = true;
        for (var at = first; at <= last && isWhole;)
        {
            if (OwnerOf(at, last) is { } mapping)
            {
                culprit ??= mapping;
                at = mapping.MemoryLast + 1;
            }
            else
            {
                isWhole = false;
            }
        }

        if (isWhole && culprit is not null)
        {
            var from = first - culprit.Memory.Value;
            var to = Math.Min(last - culprit.Memory.Value + 1, culprit.Length);
            return new Look(culprit, from, to, default,
                $"the CPU took bytes 0x{from:x} to 0x{to - 1:x} of a mapping {MappingRecord.Describe(culprit.Direction)} while " +
                "the device owned them");
        }

        foreach (var mapping in _pages.On(first))
        {
            if (!IsWatchedForLooks(mapping) || mapping.Memory.Value > first || last > mapping.MemoryLast)
                continue;
            var from = first - mapping.Memory.Value;
            if (TryFindFresh(mapping.Fresh, from, last - mapping.Memory.Value + 1, out var one, out var other))
                return new Look(mapping, one, other + 1, default,
                    $"the CPU took bytes 0x{from:x} to 0x{last - mapping.Memory.Value:x} of a mapping, of which the device wrote " +
                    $"0x{one:x} to 0x{other:x}, and those were not synced");
        }

        return null;
    }

    private static bool IsWatchedForLooks(LiveMapping mapping) =>
        mapping.IsStreaming && !mapping.IsFreed && mapping.Direction != DmaDirection.ToDevice;

    /// <summary>The mapping by which a device that writes owns the memory from a byte up to <paramref name="last"/>, or its own
    /// end.</summary>
    private LiveMapping? OwnerOf(ulong memory, ulong last)
    {
        foreach (var mapping in _pages.On(memory))
        {
            if (!IsWatchedForLooks(mapping) || mapping.Memory.Value > memory || memory > mapping.MemoryLast)
                continue;
            var from = memory - mapping.Memory.Value;
            var to = Math.Min(last, mapping.MemoryLast) - mapping.Memory.Value + 1;
            if (!mapping.Owned.Touches(from, to))
                return mapping;
        }

        return null;
    }

    /// <summary>Judges the looks since the last call: where the CPU wrote, it did not look, and that is judged elsewhere.</summary>
    private void Settle()
    {
        if (_suspicions == 0)
            return;
        if (_looks.Count > 0)
        {
            var looks = _looks.ToArray();
            _looks.Clear();
            t_isDriver = false; // the place is known, or there is none
            foreach (var look in looks)
            {
                if (!TryFindWrites(look.Mapping, (long)look.From, (long)look.To, out _, out _))
                    Report(FindingKind.CpuReadBeforeSync, look.Mapping.Device, look.Mapping.Address + look.From, look.To - look.From,
                        look.Message, look.Site, look.Mapping);
            }
        }

        for (var i = _unseen.Count - 1; i >= 0; i--)
        {
            if (_unseen[i].IsLookedAt)
                Settle(_unseen[i]);
            if (_unseen[i].Bytes.IsEmpty)
                _unseen.RemoveAt(i);
        }

        CountSuspicions();
    }

    private void Settle(Unseen unseen)
    {
        var (from, to, site) = unseen.Look;
        t_isDriver = false;
        if (!unseen.IsWritten())
            ReportStory(FindingKind.CpuReadBeforeSync, unseen.Device, unseen.Record.Address + from, to - from,
                $"the CPU took bytes 0x{from:x} to 0x{to - 1:x} of a mapping that ended without a sync after the device wrote them: it " +
                "may see what was there before", site, unseen.Record);
        unseen.Bytes.Remove(from, to);
        unseen.Settle();
    }

    /// <summary>A mapping ends without a sync: what the device wrote the CPU may not see.</summary>
    private void KeepUnseen(LiveMapping mapping, CallSite site)
    {
        if (mapping.Direction == DmaDirection.ToDevice || mapping.Fresh.IsEmpty || mapping.IsFreed || _memory is null
            || !_memory.TryGetPointer(mapping.Memory, mapping.Length, out var pointer) || pointer != mapping.Pointer)
            return;
        var record = mapping.Record with { End = MappingEnd.Unmapped, Ended = site, EndedAt = Now };
        var unseen = new Unseen(record, mapping.Device, _memory, pointer);
        mapping.Fresh.CopyTo(unseen.Bytes);
        unseen.Bytes.Remove(mapping.Owned);
        if (_unseen.Count == MaxUnseen)
            _unseen.RemoveAt(0);
        _unseen.Add(unseen);
        CountSuspicions();
    }

    /// <summary>Memory was given back, allocated or mapped anew: what was in it before is nobody's business any more.</summary>
    private void ForgetUnseen(ulong first, ulong last)
    {
        for (var i = _unseen.Count - 1; i >= 0; i--)
        {
            var start = _unseen[i].Record.Memory.Value;
            if (start > last || first > start + (_unseen[i].Record.Length - 1))
                continue;
            _unseen[i].Bytes.Remove(Math.Max(first, start) - start, last - start + 1);
            if (_unseen[i].Bytes.IsEmpty)
                _unseen.RemoveAt(i);
        }
    }

    private void CheckUnseen(PhysicalAddress address, ulong length)
    {
        foreach (var unseen in _unseen)
        {
            var start = unseen.Record.Memory.Value;
            var last = address.Value + (length - 1);
            if (unseen.IsLookedAt || start > last || address.Value > start + (unseen.Record.Length - 1)
                || IsAllowedNow(unseen.Device) || KnownFindings.Has(FindingKind.CpuReadBeforeSync))
                continue;
            if (TryFindFresh(unseen.Bytes, Math.Max(start, address.Value) - start, last - start + 1, out var one, out var other))
                unseen.LookAt(one, other + 1, CallSite.OfDriver());
        }
    }

    /// <summary>Memory is given back: whatever still has it mapped reaches what its next owner puts there.</summary>
    internal void OnFree(MemoryBlock block, CallSite site)
    {
        if (block.Length == 0 || !IsOurs(block))
            return;
        var first = block.Address.Value;
        var last = first + ((ulong)block.Length - 1);
        _pages.Forget(first, last);
        if (_suspicions == 0 && !HasMappings(first, last, false))
            return;
        using (HoldAll())
        {
            Settle();
            ForgetUnseen(first, last);
            CountSuspicions();
            t_isDriver = true;
            for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
            {
                foreach (var mapping in _pages.On(page << PageIndex.Shift))
                {
                    if (mapping.IsFreed || mapping.Memory.Value > last || first > mapping.MemoryLast)
                        continue;
                    var from = Math.Max(first, mapping.Memory.Value) - mapping.Memory.Value;
                    var to = Math.Min(last, mapping.MemoryLast) - mapping.Memory.Value + 1;
                    Report(FindingKind.FreedWhileMapped, mapping.Device, mapping.Address + from, to - from,
                        $"0x{block.Length:x} bytes of memory at {block.Address} were given back while bytes 0x{from:x} to 0x{to - 1:x} " +
                        $"of a {MappingRecord.Describe(mapping.Api)} lay in them", site, mapping);
                    mapping.Traits |= MappingTraits.Freed;
                    ForgetContents(mapping); // they are somebody else's
                }
            }
        }
    }

    /// <summary>Whether a block is of this machine's memory and not of another one's with the same addresses: by where the CPU finds
    /// it.</summary>
    private bool IsOurs(MemoryBlock block) =>
        (_memory!.TryGetPointer(block.Address, (ulong)block.Length, out var cached) && cached == block.Pointer)
        || (_memory.TryGetDramPointer(block.Address, (ulong)block.Length, out var dram) && dram == block.Pointer);
}
