using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Dma.Sanitizer;

// What the CPU looks at.
public sealed unsafe partial class DmaSanitizer
{
    /// <summary>A driver takes the bytes of a block: it is going to touch them.</summary>
    internal void OnSpan(byte* pointer, PhysicalAddress address, int length)
    {
        if (!_options.WatchSpans || length == 0 || !_memory!.TryGetPointer(address, (ulong)length, out var cpu) || cpu != pointer)
            return;
        lock (_lock)
        {
            _isDriver = true;
            // Only where all of it is the device's: of a larger span the driver may want just the part that is its own.
            LiveMapping? culprit = null;
            var last = address.Value + ((ulong)length - 1);
            for (var at = address.Value; at <= last;)
            {
                if (OwnerOf(at, last) is not { } mapping)
                {
                    if (culprit is null && _unseen.Count > 0)
                        CheckUnseen(address, (ulong)length);
                    return;
                }

                culprit ??= mapping;
                at = mapping.MemoryLast + 1;
            }

            if (culprit is null || IsAllowedNow(culprit.Device))
                return;
            var from = address.Value - culprit.Memory.Value;
            var bytes = Math.Min((ulong)length, culprit.Length - from);
            Report(FindingKind.CpuReadBeforeSync, culprit.Device, culprit.Address + from, bytes,
                $"the CPU took bytes 0x{from:x} to 0x{from + bytes - 1:x} of a mapping " +
                $"{MappingRecord.Describe(culprit.Record.Direction)} while the device owned them", default, culprit);
        }
    }

    /// <summary>Memory is given back: whatever still has it mapped reaches what its next owner puts there.</summary>
    internal void OnFree(MemoryBlock block, CallSite site)
    {
        if (block.Length == 0 || !IsOurs(block))
            return;
        lock (_lock)
        {
            if (_live.Count == 0)
                return;
            _isDriver = true;
            var first = block.Address.Value;
            var last = first + ((ulong)block.Length - 1);
            for (var page = first >> PageIndex.Shift; page <= last >> PageIndex.Shift; page++)
            {
                foreach (var mapping in _physical.On(page << PageIndex.Shift))
                {
                    if (mapping.IsFreed || mapping.Memory.Value > last || first > mapping.MemoryLast)
                        continue;
                    var from = Math.Max(first, mapping.Memory.Value) - mapping.Memory.Value;
                    var to = Math.Min(last, mapping.MemoryLast) - mapping.Memory.Value + 1;
                    Report(FindingKind.FreedWhileMapped, mapping.Device, mapping.Address + from, to - from,
                        $"0x{block.Length:x} bytes of memory at {block.Address} were given back while bytes 0x{from:x} to 0x{to - 1:x} " +
                        $"of a {MappingRecord.Describe(mapping.Record.Api)} lay in them", site, mapping);
                    mapping.IsFreed = true;
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

    /// <summary>Whether the CPU's caches still hold what memory held before a device wrote to a mapping that has ended since.</summary>
    private void CheckUnseen(PhysicalAddress address, ulong length)
    {
        for (var i = _unseen.Count - 1; i >= 0; i--)
        {
            var (record, device) = _unseen[i];
            var first = Math.Max(address.Value, record.Memory.Value);
            var last = Math.Min(address.Value + (length - 1), record.Memory.Value + (record.Length - 1));
            if (first > last)
                continue;
            _unseen.RemoveAt(i);
            if (_memory!.Cache is not { } cache || !cache.TryFindStale(new PhysicalAddress(first), last - first + 1, out var line))
                continue;
            first = Math.Max(first, line.Value);
            var offset = first - record.Memory.Value;
            ReportStory(FindingKind.CpuReadBeforeSync, device, record.Address + offset, Math.Min(last - first + 1, (ulong)cache.LineSize),
                $"the CPU took bytes that its caches hold from before the device wrote them: byte 0x{offset:x} of a mapping that ended " +
                "without a sync", default, record);
        }
    }

    /// <summary>The mapping by which a device that writes owns the memory from a byte up to <paramref name="last"/>, or its own
    /// end.</summary>
    private LiveMapping? OwnerOf(ulong memory, ulong last)
    {
        foreach (var mapping in _physical.On(memory))
        {
            if (!mapping.IsStreaming || mapping.IsFreed || mapping.Record.Direction == DmaDirection.ToDevice
                || mapping.Memory.Value > memory || memory > mapping.MemoryLast)
                continue;
            var from = memory - mapping.Memory.Value;
            var to = Math.Min(last, mapping.MemoryLast) - mapping.Memory.Value + 1;
            if (!mapping.Owned.Touches(from, to))
                return mapping;
        }

        return null;
    }
}
