using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

// Device addresses that reserved memory keeps for devices.
public sealed partial class DeviceTreeNode
{
    /// <summary>The entries of <c>iommu-addresses</c>. Each is a phandle, then an address and a size in as many cells as the device that it
    /// names has on its bus (the binding of reserved memory in the devicetree schema).</summary>
    public ImmutableArray<IommuAddressRange> IommuAddresses()
    {
        if (Property("iommu-addresses") is not { IsEmpty: false } list)
            return [];
        var entries = ImmutableArray.CreateBuilder<IommuAddressRange>();
        for (var cell = 0; cell < list.CellCount;)
        {
            var phandle = list.Cell(cell++);
            if (Tree.FindByPhandle(phandle) is not { } device)
            {
                entries.Add(new IommuAddressRange(phandle, null, 0, 0, false));
                break;
            }

            if (!device.TryDmaCells(out var addressCells, out var sizeCells) || list.CellCount - cell < addressCells + sizeCells)
            {
                entries.Add(new IommuAddressRange(phandle, device, 0, 0, true));
                break;
            }

            var first = ReadAddress(list, cell, addressCells).Offset;
            var size = ReadAddress(list, cell + addressCells, sizeCells).Offset;
            entries.Add(new IommuAddressRange(phandle, device, first, size, false));
            cell += addressCells + sizeCells;
        }

        return entries.ToImmutable();
    }
}
