using System.Collections.Immutable;
using Aperture.Core;

namespace Aperture.DeviceTrees;

// Which units the ids of a bus lead to.
public sealed partial class DeviceTreeNode
{
    /// <summary>The entries of <c>iommu-map</c>. Each is as wide as its unit asks for: an id, the unit, <c>#iommu-cells</c> arguments, a
    /// count. Where
    /// that does not read, it is read as older trees have it: one argument whatever the unit asks for, and the others are zero.</summary>
    /// <param name="entries">The entries in order; empty unless the result is <see cref="Status.Ok"/>.</param>
    /// <returns><see cref="Status.NoDevice"/> without a map; <see cref="Status.InvalidArgument"/> when it is no whole number of
    /// entries.</returns>
    public Status TryGetIommuMap(out ImmutableArray<IommuMapEntry> entries)
    {
        entries = [];
        if (Property("iommu-map") is not { } map)
            return Status.NoDevice;
        if (map.IsEmpty || !map.IsCells)
            return Status.InvalidArgument;
        return TryReadMap(map, false, out entries) || TryReadMap(map, true, out entries) ? Status.Ok : Status.InvalidArgument;
    }

    /// <summary>Which unit an id leads to by <c>iommu-map</c> and <c>iommu-map-mask</c>, as on a PCI host bridge.</summary>
    /// <param name="id">The id on the bus: a requester id on PCI.</param>
    /// <param name="unit">The unit's node; null when the result is not <see cref="Status.Ok"/>, and also when no entry matches: the id then
    /// passes untranslated.</param>
    /// <param name="arguments">What the id is on that unit; empty when no entry matches.</param>
    /// <returns><see cref="Status.Ok"/>; <see cref="Status.NoDevice"/> without a map or when the matching phandle leads nowhere;
    /// <see cref="Status.InvalidArgument"/> when the map is no whole number of entries; <see cref="Status.BadAddress"/> when an entry's
    /// base has bits outside the mask.</returns>
    public Status TryMapIommuId(uint id, out DeviceTreeNode? unit, out ImmutableArray<uint> arguments)
    {
        (unit, arguments) = (null, []);
        var status = TryGetIommuMap(out var entries);
        if (status != Status.Ok)
            return status;
        var mask = U32("iommu-map-mask") ?? uint.MaxValue;
        foreach (var entry in entries)
        {
            if ((entry.FirstId & ~mask) != 0)
                return Status.BadAddress;
            if (!entry.Contains(id & mask))
                continue;
            unit = entry.Unit;
            if (unit is null)
                return Status.NoDevice;
            arguments = entry.ArgumentsOf(id & mask);
            return Status.Ok;
        }

        return Status.Ok;
    }

    private bool TryReadMap(DeviceTreeProperty map, bool isOlderForm, out ImmutableArray<IommuMapEntry> entries)
    {
        entries = [];
        var read = ImmutableArray.CreateBuilder<IommuMapEntry>();
        for (var cell = 0; cell < map.CellCount;)
        {
            if (map.CellCount - cell < 3)
                return false;
            var (first, phandle) = (map.Cell(cell), map.Cell(cell + 1));
            var unit = Tree.FindByPhandle(phandle);
            var asked = unit?.U32("#iommu-cells");
            if (asked is null or > PhandleReference.MaximumArguments)
            {
                if (!isOlderForm)
                    return false; // how wide the entry is nobody knows
                asked = 1;
            }

            var written = isOlderForm ? 1 : (int)asked;
            if (map.CellCount - cell < written + 3)
                return false;
            ImmutableArray<uint> arguments = map.Cells(cell + 2, written);
            if (written != asked)
                arguments = asked == 0 ? [] : [.. arguments, .. Enumerable.Repeat(0u, (int)asked - 1)];
            var count = map.Cell(cell + 2 + written);
            read.Add(new IommuMapEntry(first, phandle, unit, arguments, count) { IsOlderForm = written != asked });
            cell += written + 3;
        }

        entries = read.ToImmutable();
        return true;
    }
}
