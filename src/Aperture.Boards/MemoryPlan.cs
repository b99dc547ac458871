using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards;

/// <summary>Where a board has RAM, and where in it its reserved regions lie. The machine is built by it, and the checker asks it, so that
/// the two agree.</summary>
internal sealed class MemoryPlan
{
    /// <summary>Why a plan has no RAM.</summary>
    public const string WhyNone = "the tree gives no memory, and none fits between its registers";

    private readonly List<(ReservedRegion Region, bool IsPool)> _reserved = [];
    private readonly Dictionary<DeviceTreeNode, string> _missing = [];

    /// <summary>A plan.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="given">RAM instead of the tree's; null for the tree's.</param>
    /// <param name="fallback">Bytes of RAM that stand in where a boot loader was to fill in how much there is.</param>
    public MemoryPlan(DeviceTree tree, IReadOnlyList<MemoryRange>? given, ulong fallback)
    {
        Ram = given is not null ? [.. given] : BoardRam.Of(tree);
        IsStandIn = Ram.Count == 0;
        if (IsStandIn)
            Ram = BoardRam.StandIn(tree, fallback);
        var ram = MemoryRange.Join([.. Ram]);
        foreach (var reservation in tree.MemoryReservations)
            Keep("memory reservation block", new MemoryRange(reservation.Start, reservation.Length), true, false, ram);
        var regions = tree.ReservedMemory();
        foreach (var region in regions)
            KeepFixed(region, ram);
        foreach (var region in regions.Where(region => region.IsDynamic))
            Place(region, ram);
    }

    /// <summary>The RAM, in whole pages, no two ranges of which overlap.</summary>
    public IReadOnlyList<MemoryRange> Ram { get; }

    /// <summary>Whether the tree does not say how much RAM there is, and some stands in.</summary>
    public bool IsStandIn { get; }

    /// <summary>What is kept from the page allocator, by the paths of nodes, and whether it is a pool.</summary>
    public IReadOnlyList<(ReservedRegion Region, bool IsPool)> Reserved => _reserved;

    /// <summary>The regions that are not to be had, and why; devices that refer to them cannot have them either.</summary>
    public IReadOnlyDictionary<DeviceTreeNode, string> Missing => _missing;

    private void KeepFixed(ReservedMemoryNode region, MemoryRange[] ram)
    {
        foreach (var range in region.Ranges)
        {
            var isInRam = ram.Any(block => block.Contains(range.Start, range.Length));
            var isPool = region.IsSharedDmaPool && isInRam;
            if (isPool && (!range.Start.IsAligned(PhysicalMemory.PageSize) || range.Length % PhysicalMemory.PageSize != 0))
                _missing.TryAdd(region.Node, $"{range} is no whole number of pages");
            else if (isPool && _reserved.Find(other => other.IsPool && other.Region.Range.Overlaps(range)).Region is { } other)
                _missing.TryAdd(region.Node, $"{range} overlaps {other.Range} of {other.Name}");
            else if (!isInRam && (region.Node.IsCompatible("restricted-dma-pool") || (region.IsSharedDmaPool && region.IsReusable)))
                _missing.TryAdd(region.Node, $"{range} is not inside RAM");
            Keep(region.Node.Path, range, !region.IsUnmapped, isPool && !_missing.ContainsKey(region.Node), ram);
        }
    }

    // Trees also reserve windows that are no RAM of this board, or only in part: what of it is RAM is kept, and is no pool.
    private void Keep(string name, MemoryRange range, bool isMapped, bool isPool, MemoryRange[] ram)
    {
        if (range.Length == 0 || range.Last < range.Start || !Array.Exists(ram, block => block.Overlaps(range)))
            return;
        var isWhole = Array.Exists(ram, block => block.Contains(range.Start, range.Length));
        _reserved.Add((new ReservedRegion(name, range, isMapped && isWhole), isPool));
    }

    private void Place(ReservedMemoryNode region, MemoryRange[] ram)
    {
        var alignment = Math.Max(region.Alignment, PhysicalMemory.PageSize);
        var size = (region.Size + PhysicalMemory.PageSize - 1) & ~(ulong)(PhysicalMemory.PageSize - 1);
        if ((alignment & (alignment - 1)) != 0 || region.Size > PhysicalMemory.MaxBytes)
            _missing.TryAdd(region.Node, $"0x{region.Size:x} bytes aligned to 0x{alignment:x} cannot be reserved");
        else if (Free(region, size, alignment, ram) is { } place)
            Keep(region.Node.Path, place, !region.IsUnmapped, region.IsSharedDmaPool, ram);
        else
            _missing.TryAdd(region.Node, $"no 0x{size:x} bytes of RAM are "
                + $"free{(region.AllocationRanges.IsEmpty ? "" : " where it may lie")}");
    }

    /// <summary>The highest free place for a region, as its node asks for it.</summary>
    private MemoryRange? Free(ReservedMemoryNode region, ulong size, ulong alignment, MemoryRange[] ram)
    {
        foreach (var window in region.AllocationRanges.IsEmpty ? ram.Reverse() : region.AllocationRanges)
        {
            foreach (var block in ram.Reverse())
            {
                var low = Math.Max(window.Start.Value, block.Start.Value);
                var high = Math.Min(window.Last.Value, block.Last.Value);
                while (high >= low && high - low >= size - 1)
                {
                    var range = new MemoryRange(new PhysicalAddress(high - size + 1).AlignDown(alignment), size);
                    if (range.Start.Value < low)
                        break;
                    if (_reserved.Find(other => other.Region.Range.Overlaps(range)).Region is not { } taken)
                        return range;
                    if (taken.Range.Start.Value == 0)
                        break;
                    high = taken.Range.Start.Value - 1;
                }
            }
        }

        return null;
    }
}
