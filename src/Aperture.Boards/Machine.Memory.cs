using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards;

// RAM and what is kept out of it.
public sealed partial class Machine
{
    private const ulong FallbackStart = 0x8000_0000;
    private const ulong FallbackEnd = 1UL << 36;

    private List<MemoryRange> RamOf(DeviceTree tree)
    {
        var ram = new List<MemoryRange>();
        foreach (var range in MemoryRange.Join(tree.Memory().AsSpan()))
        {
            // Whole pages only; a tree that says otherwise loses the rest of the page, but not where the next bank begins there.
            // In page numbers nothing can wrap.
            var first = (range.Start.Value / PhysicalMemory.PageSize) + (range.Start.IsAligned(PhysicalMemory.PageSize) ? 0UL : 1);
            var end = (range.Last.Value / PhysicalMemory.PageSize)
                + (range.Last.Value % PhysicalMemory.PageSize == PhysicalMemory.PageSize - 1 ? 1UL : 0);
            if (end > first)
                ram.Add(new MemoryRange(new PhysicalAddress(first * PhysicalMemory.PageSize), (end - first) * PhysicalMemory.PageSize));
        }

        return ram.Count > 0 ? ram : [Fallback(tree)];
    }

    private MemoryRange Fallback(DeviceTree tree)
    {
        var size = _options.FallbackMemory;
        for (var start = FallbackStart; start < FallbackEnd; start += size)
        {
            var range = new MemoryRange(new PhysicalAddress(start), size);
            if (!tree.Devices().SelectMany(node => node.Registers()).Any(block => block is { Address: { } address, Length: > 0 }
                && range.Overlaps(new MemoryRange(address, block.Length))))
                return range;
        }

        throw new ApertureException(
            Status.NoSpace, $"{tree.Board}: the tree gives no memory, and 0x{size:x} bytes fit nowhere between its registers");
    }

    private readonly Dictionary<string, MemoryRange> _reservedAt = []; // where each region lies, by its node's path; the first range of it

    private PageAllocator PagesOf(PhysicalMemory memory)
    {
        var reserved = Reservations();
        var pages = new PageAllocator(memory, [.. reserved.Select(entry => entry.Region)]);
        foreach (var pool in reserved.Where(entry => entry.IsPool))
            pages.AddArea(pool.Region.Name, pool.Region.Range);
        foreach (var entry in reserved)
            _reservedAt.TryAdd(entry.Region.Name, entry.Region.Range);
        return pages;
    }

    /// <summary>What the tree keeps from the page allocator, with a place for each region that has none.</summary>
    private List<(ReservedRegion Region, bool IsPool)> Reservations()
    {
        var reserved = new List<(ReservedRegion Region, bool IsPool)>();
        foreach (var reservation in Tree.MemoryReservations)
            Add("memory reservation block", new MemoryRange(reservation.Start, reservation.Length), true, false);
        var regions = Tree.ReservedMemory().Where(region => region.Node.IsEnabled).ToArray();
        foreach (var region in regions)
        {
            foreach (var range in region.Ranges)
                Add(region.Node.Path, range, !region.IsUnmapped, region.IsSharedDmaPool);
        }

        foreach (var region in regions.Where(region => region.IsDynamic))
            Add(region.Node.Path, Place(region, reserved), !region.IsUnmapped, region.IsSharedDmaPool);
        return reserved;

        // Trees also reserve windows that are no RAM of this board, or only in part: what of it is RAM is kept, and is no pool.
        void Add(string name, MemoryRange range, bool isMapped, bool isPool)
        {
            if (range.Length == 0 || range.Last < range.Start)
                return;
            var isWhole = Memory.Regions.Any(ram => ram.Contains(range.Start, range.Length));
            if (isWhole || Memory.Regions.Any(ram => ram.Overlaps(range)))
                reserved.Add((new ReservedRegion(name, range, isMapped && isWhole), isPool && isWhole));
        }
    }

    /// <summary>The highest free place for a region, as its node asks for it.</summary>
    private MemoryRange Place(ReservedMemoryNode region, List<(ReservedRegion Region, bool IsPool)> reserved)
    {
        var alignment = Math.Max(region.Alignment, PhysicalMemory.PageSize);
        if ((alignment & (alignment - 1)) != 0 || region.Size > PhysicalMemory.MaxBytes)
            throw new ApertureException(
                Status.InvalidArgument, $"{region.Node.Path}: 0x{region.Size:x} bytes aligned to 0x{alignment:x} cannot be reserved");
        var size = (region.Size + PhysicalMemory.PageSize - 1) & ~(ulong)(PhysicalMemory.PageSize - 1);
        foreach (var window in (region.AllocationRanges.IsEmpty ? Memory.Regions.Reverse() : region.AllocationRanges))
        {
            foreach (var ram in Memory.Regions.Reverse())
            {
                var low = Math.Max(window.Start.Value, ram.Start.Value);
                var high = Math.Min(window.Last.Value, ram.Last.Value);
                while (high >= low && high - low + 1 >= size)
                {
                    var range = new MemoryRange(new PhysicalAddress(high - size + 1).AlignDown(alignment), size);
                    if (range.Start.Value < low)
                        break;
                    var taken = reserved.Find(other => other.Region.Range.Overlaps(range));
                    if (taken.Region is null)
                        return range;
                    if (taken.Region.Range.Start.Value == 0)
                        break;
                    high = taken.Region.Range.Start.Value - 1;
                }
            }
        }

        throw new ApertureException(Status.NoSpace, $"{region.Node.Path}: no 0x{size:x} bytes of RAM are free to reserve");
    }
}
