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
        foreach (var range in tree.Memory())
        {
            // Whole pages only; a tree that says otherwise loses the rest of the page.
            var start = range.Start.AlignUp(PhysicalMemory.PageSize);
            var end = range.End.AlignDown(PhysicalMemory.PageSize);
            if (end > start)
                ram.Add(new MemoryRange(start, end - start));
        }

        return ram.Count > 0 ? ram : [Fallback(tree)];
    }

    private MemoryRange Fallback(DeviceTree tree)
    {
        var size = _options.FallbackMemory;
        for (var start = FallbackStart; start < FallbackEnd; start += size)
        {
            var range = new MemoryRange(new PhysicalAddress(start), size);
            if (!tree.Devices().SelectMany(node => node.Registers()).Any(block => block is { Address: { } address, Length: > 0 } && range.Overlaps(new MemoryRange(address, block.Length))))
                return range;
        }

        throw new ApertureException(Status.NoSpace, $"{tree.Board}: the tree gives no memory, and 0x{size:x} bytes fit nowhere between its registers");
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

        // Trees also reserve windows that are no RAM of this board: there is nothing to keep out of there.
        void Add(string name, MemoryRange range, bool isMapped, bool isPool)
        {
            if (range.Length > 0 && Memory.Regions.Any(ram => ram.Contains(range.Start, range.Length)))
                reserved.Add((new ReservedRegion(name, range, isMapped), isPool));
        }
    }

    /// <summary>The highest free place for a region, as its node asks for it.</summary>
    private MemoryRange Place(ReservedMemoryNode region, List<(ReservedRegion Region, bool IsPool)> reserved)
    {
        var alignment = Math.Max(region.Alignment, PhysicalMemory.PageSize);
        if ((alignment & (alignment - 1)) != 0 || region.Size > PhysicalMemory.MaxBytes)
            throw new ApertureException(Status.InvalidArgument, $"{region.Node.Path}: 0x{region.Size:x} bytes aligned to 0x{alignment:x} cannot be reserved");
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
