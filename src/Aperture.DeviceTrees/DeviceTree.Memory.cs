using System.Collections.Immutable;
using Aperture.Core.Memory;

namespace Aperture.DeviceTrees;

// RAM and what of it is reserved.
public sealed partial class DeviceTree
{
    /// <summary>The nodes that describe RAM: enabled children of the root with <c>device_type = "memory"</c>.</summary>
    public IEnumerable<DeviceTreeNode> MemoryNodes() => Root.Children.Where(n => n.String("device_type") == "memory" && n.IsEnabled);

    /// <summary>The RAM as the tree has it, in its order. A block of no size is left out: the boot loader was meant to fill it
    /// in.</summary>
    public ImmutableArray<MemoryRange> Memory() => [.. MemoryNodes().SelectMany(StaticRanges)];

    /// <summary>The enabled regions below <c>/reserved-memory</c>, in the tree's order.</summary>
    public ImmutableArray<ReservedMemoryNode> ReservedMemory() =>
        [.. Root.Child("reserved-memory")?.Children.Where(n => n.IsEnabled).Select(Reserved) ?? []];

    /// <summary>The first place of a region of reserved memory; of no length for one that is placed at boot.</summary>
    public static MemoryRange ReservedRange(DeviceTreeNode region) => StaticRanges(region).FirstOrDefault();

    internal static ReservedMemoryNode Reserved(DeviceTreeNode node) =>
        new(node, [.. StaticRanges(node)], Sized(node, "size"), Sized(node, "alignment"), AllocationRanges(node));

    // A number of #size-cells cells, which is one or two here.
    private static ulong Sized(DeviceTreeNode node, string name) => node.Property(name) is { } p && p.TryGetU64(out var value) ? value : 0;

    private static IEnumerable<MemoryRange> StaticRanges(DeviceTreeNode node)
    {
        foreach (var block in node.Registers())
        {
            if (block.Length > 0 && block.Address is { } start && block.Length - 1 <= ulong.MaxValue - start.Value)
                yield return new MemoryRange(start, block.Length);
        }
    }

    private static ImmutableArray<MemoryRange> AllocationRanges(DeviceTreeNode node)
    {
        if (node.Parent is null || node.Property("alloc-ranges") is not { } property
            || !node.TryEntrySize(property, out var addressCells, out var sizeCells))
            return [];
        var builder = ImmutableArray.CreateBuilder<MemoryRange>();
        for (var cell = 0; cell < property.CellCount; cell += addressCells + sizeCells)
        {
            var start = DeviceTreeNode.ReadAddress(property, cell, addressCells).Offset;
            var length = DeviceTreeNode.ReadAddress(property, cell + addressCells, sizeCells).Offset;
            if (length > 0 && length - 1 <= ulong.MaxValue - start)
                builder.Add(new MemoryRange(new(start), length));
        }
        return builder.ToImmutable();
    }
}
