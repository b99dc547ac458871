using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards;

/// <summary>A tree's RAM, or what may stand in for it where a boot loader was to say how much there is.</summary>
internal static class BoardRam
{
    private const ulong UsualStart = 0x8000_0000;
    private const ulong End = 1UL << 40;    // beyond it nothing is looked for
    private const ulong Step = 2 << 20;     // a stand-in grows by this much; registers and firmware's regions are aligned to less
    private const int MaximumSteps = 1 << 16;

    /// <summary>The tree's RAM in whole pages, overlapping and adjoining blocks as one; empty when the tree gives none.</summary>
    public static List<MemoryRange> Of(DeviceTree tree)
    {
        var ram = new List<MemoryRange>();
        foreach (var (first, behind) in Pages(tree))
        {
            var pages = Math.Min(behind - first, ulong.MaxValue / PhysicalMemory.PageSize); // no length says 2^64
            ram.Add(new MemoryRange(new PhysicalAddress(first * PhysicalMemory.PageSize), pages * PhysicalMemory.PageSize));
        }

        return ram;
    }

    /// <summary>RAM for a tree that gives none: free bytes, and room for its reserved regions where the tree shows that there is RAM. That
    /// is where a memory node without a size begins, around the fixed regions, and where others may be placed.</summary>
    /// <returns>Nothing where none fits between the tree's registers.</returns>
    public static List<MemoryRange> StandIn(DeviceTree tree, ulong free)
    {
        var registers = RegistersOf(tree);
        var regions = tree.ReservedMemory();
        var kept = regions.SelectMany(region => region.Ranges).Where(range => range.Last.Value < End && !registers.Exists(range.Overlaps))
            .ToList();
        var taken = new HashSet<ulong>(); // where steps begin
        Grow(StartOf(tree, regions, kept, free), free + Sum(regions.Where(region => region.AllocationRanges.IsEmpty)));
        foreach (var region in regions.Where(region => region.IsDynamic && region.Size <= PhysicalMemory.MaxBytes))
        {
            foreach (var window in region.AllocationRanges)
                Grow(window.Start.Value, region.Size, window.Last.Value);
        }

        return [.. MemoryRange.Join([.. taken.Order().Select(start => new MemoryRange(new PhysicalAddress(start), Step))])];

        // Adds steps from an address on until so much of them is free, regions and registers aside.
        void Grow(ulong start, ulong wanted, ulong last = End - 1)
        {
            var steps = 0;
            for (var at = start & ~(Step - 1); wanted > 0 && at <= last && steps < MaximumSteps; at += Step, steps++)
            {
                var step = new MemoryRange(new PhysicalAddress(at), Step);
                if (registers.Exists(step.Overlaps))
                    continue;
                taken.Add(at);
                if (!kept.Exists(step.Overlaps))
                    wanted -= Math.Min(wanted, Step);
            }
        }
    }

    private static ulong Sum(IEnumerable<ReservedMemoryNode> regions) =>
        regions.Where(region => region.Size <= PhysicalMemory.MaxBytes).Aggregate(0UL, (sum, region) => sum + region.Size);

    // Where RAM begins, by what the tree shows: a memory node without a size, else the lowest region, else the usual place.
    private static ulong StartOf(
        DeviceTree tree, IEnumerable<ReservedMemoryNode> regions, List<MemoryRange> kept, ulong free)
    {
        var begun = tree.MemoryNodes().SelectMany(node => node.Registers())
            .Where(block => block is { Address.Value: > 0 and < End }).Select(block => block.Address!.Value.Value);
        var shown = kept.Concat(regions.SelectMany(region => region.AllocationRanges)).Select(range => range.Start.Value)
            .Where(start => start < End);
        return begun.Append(ulong.MaxValue).Min() is < End and var first ? first
            : shown.Append(ulong.MaxValue).Min() is < End and var lowest ? lowest
            : FreeOf(RegistersOf(tree), free);
    }

    // Where devices answer, and where hosts of PCI pass accesses on.
    private static List<MemoryRange> RegistersOf(DeviceTree tree) =>
    [
        .. tree.Devices().SelectMany(node => node.Registers())
            .Where(block => block is { Address: { } start, Length: > 0 } && block.Length - 1 <= ulong.MaxValue - start.Value)
            .Select(block => new MemoryRange(block.Address!.Value, block.Length)),
        .. tree.Devices().SelectMany(node => node.PciRanges()).Select(range => new MemoryRange(range.Cpu, range.Length)),
    ];

    // The lowest multiple of its size from the usual place on where no register lies.
    private static ulong FreeOf(List<MemoryRange> registers, ulong size)
    {
        for (var start = UsualStart; start < End; start += Math.Max(size, Step))
        {
            var range = new MemoryRange(new PhysicalAddress(start), size);
            if (!registers.Exists(range.Overlaps))
                return start;
        }

        return UsualStart;
    }

    // Whole pages only; a tree that says otherwise loses the rest of the page, but not where the next block begins there. In page numbers
    // nothing can wrap.
    private static List<(ulong First, ulong Behind)> Pages(DeviceTree tree)
    {
        var pages = new List<(ulong First, ulong Behind)>();
        foreach (var range in MemoryRange.Join(tree.Memory().AsSpan()))
        {
            var first = (range.Start.Value / PhysicalMemory.PageSize) + (range.Start.IsAligned(PhysicalMemory.PageSize) ? 0UL : 1);
            var behind = (range.Last.Value / PhysicalMemory.PageSize)
                + (range.Last.Value % PhysicalMemory.PageSize == PhysicalMemory.PageSize - 1 ? 1UL : 0);
            if (behind <= first)
                continue;
            if (pages.Count > 0 && first < pages[^1].Behind)
                pages[^1] = (pages[^1].First, Math.Max(behind, pages[^1].Behind));
            else
                pages.Add((first, behind));
        }

        return pages;
    }
}
