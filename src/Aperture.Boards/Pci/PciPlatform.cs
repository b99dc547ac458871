using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.Pci;
using Aperture.Hardware.Bus;

namespace Aperture.Boards.Pci;

/// <summary>What a machine does for the driver of its PCI hosts.</summary>
/// <param name="bus">The physical address space.</param>
/// <param name="inputOf">The interrupt behind a reference.</param>
/// <param name="found">Hears of devices that were found.</param>
internal sealed class PciPlatform(
    SystemBus bus, Func<PhandleReference, Interrupt> inputOf, Action<Device, PciAddress, Device> found) : IPciPlatform
{
    private readonly Dictionary<DeviceTreeNode, MessageController> _controllers = [];

    /// <summary>A controller of messages is there.</summary>
    public void Add(DeviceTreeNode node, MessageController controller) => _controllers.Add(node, controller);

    public RegisterRegion MapRegisters(PhysicalAddress start, ulong bytes, string name) => new BusRegisterRegion(bus, start, bytes, name);

    public Interrupt? FindInterrupt(in PhandleReference reference) => inputOf(reference);

    public IMessageController? FindMessages(DeviceTreeNode controller) => _controllers.GetValueOrDefault(controller);

    public void OnFound(Device host, PciAddress address, Device device) => found(host, address, device);
}
