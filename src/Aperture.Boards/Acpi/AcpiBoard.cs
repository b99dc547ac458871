using Aperture.Acpi;
using Aperture.Acpi.Iort;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Firmware;

namespace Aperture.Boards.Acpi;

/// <summary>A machine as its ACPI tables describe it, ready to boot: SMMUv3s by IORT, and the hosts of PCI and named components behind
/// them;
/// where configuration space is, by MCFG.</summary>
/// <remarks>
/// <para>Who is behind which unit, with which ids, reservations, process ids and ATS, is what <see cref="AcpiFirmware"/> says of the tables
/// themselves. The hardware is a device tree (<see cref="Tree"/>), as every machine's.</para>
/// <para>What these tables do not say is chosen: how much RAM there is and where (<see cref="MachineOptions.FallbackMemory"/>,
/// <see cref="MachineOptions.Memory"/>), the windows of PCI, where messages go, and configuration space where there is no MCFG: all of
/// it lies where nothing else does. The real machine has that in AML.</para>
/// </remarks>
public sealed class AcpiBoard
{
    private AcpiBoard(AcpiTableSet tables, DeviceTree tree, IFirmware firmware) => (Tables, Tree, Firmware) = (tables, tree, firmware);

    /// <summary>The tables.</summary>
    public AcpiTableSet Tables { get; }

    /// <summary>The hardware.</summary>
    public DeviceTree Tree { get; }

    /// <summary>Who is behind which unit: devices and buses are nodes of <see cref="Tree"/>.</summary>
    public IFirmware Firmware { get; }

    /// <summary>Boots the machine, as <see cref="Machine.Boot(DeviceTrees.DeviceTree, MachineOptions?)"/> does from a tree.</summary>
    /// <param name="options">What the tables leave open, and who listens; null for the defaults.</param>
    /// <exception cref="ApertureException">The tables describe no machine that can be built; the message names the node.</exception>
    public Machine Boot(MachineOptions? options = null) => Machine.Boot(Tree, Firmware, options);

    /// <summary>Reads a board off its tables.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: there is no unit that has a model; the message names those
    /// that there are. <see cref="Status.InvalidArgument"/>: a table says what cannot be.</exception>
    public static AcpiBoard Describe(AcpiTableSet tables)
    {
        ArgumentNullException.ThrowIfNull(tables);
        var acpi = new AcpiFirmware(tables);
        var units = tables.Tables.OfType<IortTable>().SelectMany(table => table.Nodes).Where(node => node is IortSmmu or IortSmmuV3)
            .ToArray();
        if (!units.Any(node => node is IortSmmuV3))
        {
            var others = acpi.Units.Select(AcpiFirmware.NameOf).ToArray();
            throw new ApertureException(
                Status.NotSupported, (others.Length == 0 ? "the tables describe no IOMMU" : $"{string.Join(", ", others)} cannot be "
                    + "booted: it is not modelled") + "; of the units in ACPI tables those of IORT with version 3 (SMMUv3) are");
        }

        var writer = new AcpiBoardWriter(tables, acpi, units);
        var tree = writer.Write();
        return new AcpiBoard(tables, tree, writer.FirmwareOf(tree));
    }
}
