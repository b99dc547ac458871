using Aperture.Datasheets.Edu;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.Edu;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Pci;

namespace Aperture.Boards.Pci;

/// <summary>The educational device of virtual machines as the PCI function that it is there (docs/units/edu.md).</summary>
public sealed class EduPciKind : PciKind
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Compatible { get; } = [EduRegisters.PciCompatible];

    /// <inheritdoc/>
    public override PciFunction CreateFunction(PciSite site, DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(site);
        return new EduFunction(site.Bus, new EduOptions { Time = site.Time });
    }

    /// <inheritdoc/>
    public override IDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new EduDriver(machine.Clock);
    }
}
