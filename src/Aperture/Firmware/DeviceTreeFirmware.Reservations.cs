using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.DeviceTrees;
using Aperture.Iommu;

namespace Aperture.Firmware;

// Device addresses that reserved memory keeps: iommu-addresses of the nodes that a device's memory-region refers to.
public sealed partial class DeviceTreeFirmware
{
    private static List<IovaReservation> ReservationsOf(DeviceTreeNode device)
    {
        var reservations = new List<IovaReservation>();
        foreach (var reference in device.MemoryRegions())
        {
            if (reference.Target is { IsEnabled: true } region && region.Property("iommu-addresses") is { } addresses)
                Read(device, region, addresses, reservations);
        }

        return reservations;
    }

    /// <summary>Reads the entries that name a device. Each is a phandle, then an address and a size in as many cells as the device that it
    /// names has on its bus (the binding of reserved memory in the devicetree schema).</summary>
    private static void Read(DeviceTreeNode device, DeviceTreeNode region, DeviceTreeProperty list, List<IovaReservation> reservations)
    {
        for (var cell = 0; cell < list.CellCount;)
        {
            var phandle = list.Cell(cell++);
            if (device.Tree.FindByPhandle(phandle) is not { } named)
                throw Wrong(region, $"iommu-addresses refers to phandle 0x{phandle:x}, which no node has");
            if (!named.TryDmaCells(out var addressCells, out var sizeCells) || list.CellCount - cell < addressCells + sizeCells)
                throw Wrong(region, $"iommu-addresses ends within the entry of {named.Path}, or its addresses are of no known width");
            var first = DeviceTreeNode.ReadAddress(list, cell, addressCells).Offset;
            var size = DeviceTreeNode.ReadAddress(list, cell + addressCells, sizeCells).Offset;
            cell += addressCells + sizeCells;
            if (named != device || size == 0)
                continue;
            if (size - 1 > ulong.MaxValue - first)
                throw Wrong(region, $"iommu-addresses reserves 0x{size:x} bytes at 0x{first:x}, beyond the last address");
            var isDirect = region.AsReservedMemory is { Ranges: { IsEmpty: false } ranges }
                && ranges.Contains(new MemoryRange(new PhysicalAddress(first), size));
            var protection = device.IsDmaCoherent ? Protection.ReadWrite | Protection.Cache : Protection.ReadWrite;
            var kind = isDirect ? ReservationKind.Direct : ReservationKind.Reserved;
            reservations.Add(new IovaReservation(new Iova(first), new Iova(first + (size - 1)), kind, protection));
        }
    }
}
