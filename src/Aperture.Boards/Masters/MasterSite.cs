using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Masters;

/// <summary>Where a device that does DMA stands in a machine.</summary>
public sealed class MasterSite : NodeSite
{
    internal MasterSite(Machine machine, DeviceTreeNode node, Device device, IReadOnlyList<DmaPort> ports)
        : base(machine, node, device)
    {
        Ports = ports;
        Pace = machine.Pace;
    }

    /// <summary>Its ports to memory: one for each unit and each number by which the unit knows it; a single one straight onto the bus where
    /// it is behind no unit. At least one.</summary>
    public IReadOnlyList<DmaPort> Ports { get; }

    /// <summary>How fast the machine's masters work; null: a command at once.</summary>
    public MasterPace? Pace { get; }
}
