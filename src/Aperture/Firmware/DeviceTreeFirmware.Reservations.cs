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
            if (reference.Target is not { IsEnabled: true } region)
                continue;
            foreach (var entry in region.IommuAddresses())
            {
                if (entry.Device is null)
                    throw Wrong(region, $"iommu-addresses refers to phandle 0x{entry.Phandle:x}, which no node has");
                if (!entry.IsValid)
                    throw Wrong(region, $"iommu-addresses cannot be read at the entry of {entry.Device.Path}");
                if (entry.Device == device && entry.Size > 0)
                    reservations.Add(Reservation(device, region, entry));
            }
        }

        return reservations;
    }

    /// <summary>Where the region's memory has the same addresses the device uses it already; elsewhere nothing is to be mapped.</summary>
    private static IovaReservation Reservation(DeviceTreeNode device, DeviceTreeNode region, in IommuAddressRange entry)
    {
        var isDirect = region.AsReservedMemory is { Ranges: { IsEmpty: false } ranges }
            && ranges.Contains(new MemoryRange(new PhysicalAddress(entry.First), entry.Size));
        var protection = device.IsDmaCoherent ? Protection.ReadWrite | Protection.Cache : Protection.ReadWrite;
        var kind = isDirect ? ReservationKind.Direct : ReservationKind.Reserved;
        return new IovaReservation(new Iova(entry.First), new Iova(entry.Last), kind, protection);
    }
}
