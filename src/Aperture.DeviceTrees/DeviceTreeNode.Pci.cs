using System.Collections.Immutable;
using Aperture.Core;

namespace Aperture.DeviceTrees;

// What the node of a PCI host says (IEEE 1275 PCI bus binding 2.1; Devicetree Specification 0.4, 2.4.3).
public sealed partial class DeviceTreeNode
{
    private const uint MemorySpace = 0x0200_0000;
    private const uint WideMemorySpace = 0x0300_0000;
    private const int PciAddressCells = 3;

    /// <summary>The windows of memory space that the CPU reaches, in order; those of I/O space, those that overlap or run past the end of
    /// an address space, and those that the buses above do not pass are left out.</summary>
    public ImmutableArray<PciRange> PciRanges()
    {
        var ranges = ImmutableArray.CreateBuilder<PciRange>();
        foreach (var entry in Ranges)
        {
            if (entry.Space is not (MemorySpace or WideMemorySpace) || entry.Length == 0 || Parent is null
                || !TryTranslate(Parent, entry.ParentSpace, entry.Parent, out var cpu)
                || entry.Length - 1 > ulong.MaxValue - entry.Child || entry.Length - 1 > ulong.MaxValue - cpu)
                continue;
            var range = new PciRange(new PhysicalAddress(cpu), entry.Child, entry.Length, entry.Space == WideMemorySpace);
            if (!ranges.Any(other => other.First <= range.Last && range.First <= other.Last))
                ranges.Add(range);
        }

        return ranges.ToImmutable();
    }

    /// <summary>The numbers of a PCI host's first and last bus (<c>bus-range</c>); 0 and 255 where it does not say.</summary>
    /// <returns>False when it says what cannot be.</returns>
    public bool TryGetBusRange(out byte first, out byte last)
    {
        (first, last) = (0, byte.MaxValue);
        if (Property("bus-range") is not { } range)
            return true;
        if (!range.IsCells || range.CellCount != 2 || range.Cell(0) > range.Cell(1) || range.Cell(1) > byte.MaxValue)
            return false;
        (first, last) = ((byte)range.Cell(0), (byte)range.Cell(1));
        return true;
    }

    /// <summary>Where an interrupt of a device on this PCI host arrives, by <c>interrupt-map</c> and <c>interrupt-map-mask</c>.</summary>
    /// <param name="device">The device's number on the root bus, 0 to 31.</param>
    /// <param name="pin">1 to 4 for INTA to INTD.</param>
    /// <param name="target">The controller and what the interrupt is there.</param>
    /// <returns>False where the map has no such interrupt, or cannot be read.</returns>
    public bool TryMapPciInterrupt(int device, int pin, out PhandleReference target)
    {
        target = default;
        if (Property("interrupt-map") is not { IsCells: true } map || AddressCells != PciAddressCells || U32("#interrupt-cells") is not 1)
            return false;
        var mask = Property("interrupt-map-mask") is { IsCells: true, CellCount: PciAddressCells + 1 } given ? given : null;
        var addressMask = mask?.Cell(0) ?? uint.MaxValue;
        var pinMask = mask?.Cell(PciAddressCells) ?? uint.MaxValue;
        const int own = PciAddressCells + 2; // address, pin, controller
        for (var cell = 0; cell + own <= map.CellCount;)
        {
            var phandle = map.Cell(cell + own - 1);
            if (Tree.FindByPhandle(phandle) is not { } controller)
                return false;
            var addressCells = controller.U32("#address-cells") ?? 0;
            if (controller.U32("#interrupt-cells") is not (> 0 and <= PhandleReference.MaximumArguments and var cells)
                || addressCells > MaximumCells || cell + own + addressCells + cells > map.CellCount)
                return false;
            if ((map.Cell(cell) & addressMask) == ((uint)device << 11 & addressMask)
                && (map.Cell(cell + PciAddressCells) & pinMask) == ((uint)pin & pinMask))
            {
                var arguments = map.Cells(cell + own + (int)addressCells, (int)cells);
                target = new PhandleReference(phandle, controller, arguments, null, PhandleError.None);
                return true;
            }

            cell += own + (int)(addressCells + cells);
        }

        return false;
    }

    /// <summary>The controller that takes the messages of a device on this PCI host (<c>msi-map</c> without a mask, else
    /// <c>msi-parent</c>).</summary>
    /// <param name="id">The device's requester id.</param>
    /// <returns>Null where there is none.</returns>
    public DeviceTreeNode? FindMsiParent(uint id)
    {
        const int entry = 4;
        if (Property("msi-map") is { IsCells: true } map)
        {
            var masked = id & (U32("msi-map-mask") ?? uint.MaxValue);
            for (var cell = 0; cell + entry <= map.CellCount; cell += entry)
            {
                if (masked >= map.Cell(cell) && masked - map.Cell(cell) < map.Cell(cell + 3))
                    return Tree.FindByPhandle(map.Cell(cell + 1));
            }

            return null;
        }

        return Property("msi-parent") is { IsCells: true, CellCount: > 0 } parent ? Tree.FindByPhandle(parent.Cell(0)) : null;
    }
}
