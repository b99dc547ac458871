using System.Numerics;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>Reserved regions lie in RAM and apart from each other.</summary>
internal static class ReservedRules
{
    internal static void Check(CheckContext context)
    {
        if (context.Memory.Ram.Count == 0)
            context.Error(FindingCode.Reserved, context.Tree.Root, MemoryPlan.WhyNone + ": add a memory node");
        if (!PhysicalMemory.CanBe(context.Memory.Ram))
            context.Error(
                FindingCode.Memory,
                context.Tree.Root,
                $"has more RAM than the 0x{PhysicalMemory.MaxBytes:x} bytes that one machine may have: give less of it to be run here");
        var regions = context.Tree.ReservedMemory();
        var ram = Merge(context.Tree.Memory());
        // A block of no size is the boot loader's to fill in; so is a tree without any RAM.
        var ramIsKnown = ram.Count > 0
            && context.Tree.MemoryNodes().All(n => n.Registers() is { IsEmpty: false } blocks && blocks.All(b => b.Length > 0));
        var users = context.Nodes.Where(n => n.IsPresent && n.Has("memory-region"))
            .SelectMany(n => n.MemoryRegions()).Where(r => r.IsValid).Select(r => r.Target!).ToHashSet();
        foreach (var region in regions)
        {
            CheckSize(context, region);
            var ranges = region.IsDynamic ? region.AllocationRanges : region.Ranges;
            if (!ramIsKnown || ranges.IsEmpty)
                continue;
            var isInside = region.IsDynamic
                ? ranges.Any(r => ram.Exists(m => m.Overlaps(r)))
                : ranges.All(r => ram.Exists(m => m.Contains(r.Start, r.Length)));
            if (isInside)
                continue;
            var place = $"{Some(ranges)} is not inside RAM ({Some(ram)})";
            // A pool or a device's buffer must be RAM, but for on-chip memory, which is no-map, and for windows that show RAM once more.
            // What nobody uses only keeps others away, and who needs one that is not to be had is told so itself.
            if (!region.IsSharedDmaPool && !users.Contains(region.Node))
                context.Info(FindingCode.Reserved, region.Node, place + ": harmless as nobody uses it");
            else if (region.IsDynamic)
                context.Error(FindingCode.Reserved, region.Node, place + ": correct alloc-ranges, or the memory node");
            else
                context.Warning(
                    FindingCode.Reserved,
                    region.Node,
                    place + ": right for on-chip memory, a second window onto RAM, or RAM that a boot loader adds; else move the region");
        }

        foreach (var (node, why) in context.Memory.Missing)
        {
            if (node.AsReservedMemory is { IsDynamic: true } && ramIsKnown)
                context.Warning(FindingCode.Reserved, node, $"is not to be had: {why}; make it smaller, or let it lie elsewhere");
        }

        CheckOverlaps(context, regions);
    }

    private static void CheckSize(CheckContext context, ReservedMemoryNode region)
    {
        var node = region.Node;
        if (node.Has("reg") && region.Ranges.IsEmpty)
        {
            context.Error(
                FindingCode.Reserved,
                node,
                "reg is malformed or has no size: #address-cells and #size-cells of /reserved-memory say how to write it");
        }
        else if (!node.Has("reg") && region.Size == 0 && !node.Has("iommu-addresses"))
        {
            // Device addresses may be kept without memory.
            context.Error(FindingCode.Reserved, node, "has neither reg nor size: say where it lies, or how large it is");
        }

        const ulong inPage = PhysicalMemory.PageSize - 1;
        if (region.IsSharedDmaPool && region.Ranges.Any(range => ((range.Start.Value | range.Length) & inPage) != 0))
            context.Error(FindingCode.Reserved, node, $"{region.Ranges[0]} is no whole number of pages, which a pool is: round it");
        if (region.Alignment != 0 && !BitOperations.IsPow2(region.Alignment))
            context.Error(FindingCode.Reserved, node, $"alignment 0x{region.Alignment:x} is no power of two: round it up");
        if (region.IsSharedDmaPool && region.IsReusable && region.IsUnmapped)
            context.Error(FindingCode.Reserved, node, "is both reusable and no-map, which exclude each other: keep one");
    }

    private static void CheckOverlaps(CheckContext context, IEnumerable<ReservedMemoryNode> regions)
    {
        var all = regions.SelectMany(r => r.Ranges, (r, range) => (Range: range, r.Node)).OrderBy(r => r.Range.Start).ToList();
        var furthest = 0;
        for (var i = 1; i < all.Count; i++)
        {
            var (range, node) = all[i];
            var (other, owner) = all[furthest];
            if (range.Overlaps(other) && node != owner)
            {
                var message = $"{range} overlaps {other} of {owner.Path}: move or shrink one";
                // Firmware's regions may lie in each other, as nobody gives anything out of them; a pool's memory would be given out twice.
                if (IsPool(node) || IsPool(owner))
                    context.Error(FindingCode.Reserved, node, message);
                else
                    context.Warning(FindingCode.Reserved, node, message);
            }

            if (all[i].Range.Last > all[furthest].Range.Last)
                furthest = i;
        }
    }

    private static bool IsPool(DeviceTreeNode node) => node.IsCompatible("shared-dma-pool") || node.IsCompatible("restricted-dma-pool");

    private static string Some(IReadOnlyCollection<MemoryRange> ranges) =>
        string.Join(", ", ranges.Take(4)) + (ranges.Count > 4 ? ", ..." : "");

    // RAM in blocks that touch is one block: a region may lie across the seam.
    private static List<MemoryRange> Merge(IEnumerable<MemoryRange> ranges)
    {
        var merged = new List<MemoryRange>();
        foreach (var range in ranges.OrderBy(r => r.Start))
        {
            if (merged.Count > 0 && merged[^1] is var last && (range.Overlaps(last) || range.Start.Value - 1 == last.Last.Value))
                merged[^1] = range.Last > last.Last ? new MemoryRange(last.Start, range.Last - last.Start + 1) : last;
            else
                merged.Add(range);
        }
        return merged;
    }
}
