using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.DeviceTrees;

namespace Aperture.Drivers.Pci;

/// <summary>What a machine does for the driver of its PCI hosts.</summary>
public interface IPciPlatform
{
    /// <summary>Registers at an address.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="bytes">Bytes.</param>
    /// <param name="name">The device's name and which of its regions it is, for messages.</param>
    RegisterRegion MapRegisters(PhysicalAddress start, ulong bytes, string name);

    /// <summary>The interrupt that a description means.</summary>
    /// <param name="reference">The controller and what the interrupt is there.</param>
    /// <returns>Null where the machine has none.</returns>
    Interrupt? FindInterrupt(in PhandleReference reference);

    /// <summary>Where messages arrive.</summary>
    /// <param name="controller">The controller's node.</param>
    /// <returns>Null where the machine has no such controller.</returns>
    IMessageController? FindMessages(DeviceTreeNode controller);

    /// <summary>A device was found, and is about to be added.</summary>
    /// <param name="host">The host's device.</param>
    /// <param name="address">Where it is.</param>
    /// <param name="device">The device.</param>
    void OnFound(Device host, PciAddress address, Device device)
    {
    }
}
