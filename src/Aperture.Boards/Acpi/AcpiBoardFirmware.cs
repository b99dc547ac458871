using Aperture.Acpi;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Firmware;
using Aperture.Iommu;

namespace Aperture.Boards.Acpi;

/// <summary>What ACPI tables say of masters, asked for and answered in nodes of the tree that stands for the hardware.</summary>
/// <param name="acpi">The tables.</param>
/// <param name="units">The node of each unit.</param>
/// <param name="masters">The path of each device, and the segment of each host, by their nodes.</param>
internal sealed class AcpiBoardFirmware(
    AcpiFirmware acpi, IReadOnlyDictionary<AcpiNode, DeviceTreeNode> units, IReadOnlyDictionary<DeviceTreeNode, object> masters) : IFirmware
{
    public MasterIdentity Identify(object device) => Translate(acpi.Identify(Of(device)));

    public MasterIdentity Identify(object bus, uint id, params ReadOnlySpan<uint> aliases) =>
        Translate(acpi.Identify(Of(bus), id, aliases));

    private object Of(object node) => node is DeviceTreeNode known && masters.TryGetValue(known, out var master) ? master
        : throw new ApertureException(Status.InvalidArgument, $"{node} is neither a host of PCI nor a device of these tables");

    private MasterIdentity Translate(MasterIdentity identity) => identity with
    {
        Units = [.. identity.Units.Select(unit => unit with { Unit = NodeOf(unit), UnitName = NodeOf(unit).DeviceName })],
    };

    private DeviceTreeNode NodeOf(IommuSpecifier unit) => units[(AcpiNode)unit.Unit];
}
