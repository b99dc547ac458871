using Aperture.Datasheets.AtsEndpoint;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.AtsEndpoint;
using Aperture.Hardware.Ats;
using Aperture.Hardware.Pci;

namespace Aperture.Boards.Pci;

/// <summary>The ATS endpoint, a device of this project (docs/units/ats-endpoint.md).</summary>
public sealed class AtsEndpointPciKind : PciKind
{
    /// <inheritdoc/>
    public override IReadOnlyList<string> Compatible { get; } = [AtsEndpointRegisters.PciCompatible];

    /// <inheritdoc/>
    public override PciFunction CreateFunction(PciSite site, DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(site);
        return new AtsEndpoint(site.Bus);
    }

    /// <inheritdoc/>
    public override IDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new AtsEndpointDriver(machine.Clock);
    }
}
