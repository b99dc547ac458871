using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.Pci;
using Aperture.Hardware.Pci;

namespace Aperture.Boards.Pci;

/// <summary>A PCI host of a machine.</summary>
/// <param name="Node">Its node.</param>
/// <param name="Device">What its driver sees.</param>
/// <param name="Model">The host as hardware, with what is in its slots.</param>
public sealed record BoardPciHost(DeviceTreeNode Node, Device Device, PciHost Model)
{
    /// <summary>What its driver found; null while it is not bound.</summary>
    public PciHostBridge? Bridge => Device.Bound as PciHostBridge;

    /// <summary>The device of a function, as the driver made it.</summary>
    /// <param name="function">The function.</param>
    /// <returns>Null where the driver has found none.</returns>
    public PciDevice? Find(PciFunction function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Bridge?.Find(function.Address);
    }
}
