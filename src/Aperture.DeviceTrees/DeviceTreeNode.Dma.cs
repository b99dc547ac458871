using System.Collections.Immutable;
using Aperture.Core;

namespace Aperture.DeviceTrees;

// How the node's DMA reaches memory.
public sealed partial class DeviceTreeNode
{
    /// <summary>Whether the node's DMA is coherent with the CPU's caches: the nearest of <c>dma-coherent</c> and <c>dma-noncoherent</c> on
    /// it or a node above decides; without either it is not.</summary>
    public bool IsDmaCoherent
    {
        get
        {
            for (var node = this; node is not null; node = node.Parent)
            {
                if (node.Has("dma-noncoherent"))
                    return false;
                if (node.Has("dma-coherent"))
                    return true;
            }
            return false;
        }
    }

    /// <summary>Whether the node is a port to the outside, or lies below one (<c>external-facing</c> of the PCI bindings): what is
    /// plugged in there is not trusted.</summary>
    public bool IsExternalFacing
    {
        get
        {
            for (var node = this; node is not null; node = node.Parent)
            {
                if (node.Has("external-facing"))
                    return true;
            }

            return false;
        }
    }

    /// <summary>The windows to memory that the buses above the node describe. The nearest non-empty <c>dma-ranges</c> above counts; empty
    /// ones are passed over as 1:1, but once one was met a bus without any ends the search. Entries whose CPU address cannot be translated
    /// are left out.</summary>
    /// <param name="ranges">The windows; empty unless the result is <see cref="Status.Ok"/>.</param>
    /// <returns><see cref="Status.Ok"/>; <see cref="Status.NoDevice"/> when no bus above describes any, which means no offset and no limit;
    /// <see cref="Status.InvalidArgument"/> when no entry is usable.</returns>
    public Status TryGetDmaRanges(out ImmutableArray<DmaRange> ranges) => TryGetDmaRanges(Parent, out ranges);

    /// <summary>The same for what is on this node as a bus and has no node of its own: a device on a PCI host.</summary>
    /// <inheritdoc cref="TryGetDmaRanges(out ImmutableArray{DmaRange})"/>
    public Status TryGetChildDmaRanges(out ImmutableArray<DmaRange> ranges) => TryGetDmaRanges(this, out ranges);

    private static Status TryGetDmaRanges(DeviceTreeNode? bus, out ImmutableArray<DmaRange> ranges)
    {
        ranges = [];
        for (var seen = false; ; bus = bus.Parent)
        {
            if (bus is null)
                return Status.NoDevice;
            var property = bus.Property("dma-ranges");
            if (property is { IsEmpty: false })
                break;
            if (property is null && seen)
                return Status.NoDevice;
            seen |= property is not null;
        }
        var builder = ImmutableArray.CreateBuilder<DmaRange>();
        foreach (var entry in bus.DmaRangeEntries)
        {
            if (entry.Length != 0 && bus.Parent is not null && TryTranslateDma(bus.Parent, entry.ParentSpace, entry.Parent, out var cpu))
                builder.Add(new DmaRange(new PhysicalAddress(cpu), entry.Child, entry.Length));
        }
        ranges = builder.ToImmutable();
        return ranges.IsEmpty ? Status.InvalidArgument : Status.Ok;
    }
}
