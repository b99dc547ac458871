using Aperture.Core;
using Aperture.Datasheets.Nvme;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.Nvme;
using Aperture.Hardware.Nvme;
using Aperture.Hardware.Pci;

namespace Aperture.Boards.Pci;

/// <summary>NVMe controllers (docs/units/nvme.md), with one namespace in memory. The node may say how large that is
/// (<c>aperture,capacity</c>, bytes, one or two cells; 64 MiB) and how large its blocks are (<c>aperture,block-size</c>, 512 or
/// 4096 bytes; 512).</summary>
/// <param name="options">What every controller is like, but for its serial number, which follows from its place; null for the
/// usual.</param>
/// <param name="driver">How the driver works; null for the defaults, with a queue pair for each processor that the tree has.</param>
public sealed class NvmePciKind(NvmeOptions? options = null, NvmeDriverOptions? driver = null) : PciKind
{
    private const ulong DefaultCapacity = 64 << 20;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Compatible { get; } = [NvmeRegister.PciCompatible];

    /// <inheritdoc/>
    public override PciFunction CreateFunction(PciSite site, DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(node);
        var capacity = node.Property("aperture,capacity") switch
        {
            null => DefaultCapacity,
            { IsCells: true, CellCount: 1 } cells => cells.Cell(0),
            { IsCells: true, CellCount: 2 } cells => (ulong)cells.Cell(0) << 32 | cells.Cell(1),
            _ => throw new ApertureException(Status.InvalidArgument, "aperture,capacity is no number of bytes"),
        };
        if (capacity > (ulong)Array.MaxLength)
            throw new ApertureException(Status.NotSupported, $"a namespace of {capacity} bytes is more than {Array.MaxLength} in memory");
        var shift = node.U32("aperture,block-size") switch
        {
            null or 512 => 9,
            4096 => 12,
            var other => throw new ApertureException(Status.InvalidArgument, $"there are no blocks of {other} bytes"),
        };
        var place = new PciAddress((ushort)(node.Property("reg")!.Cell(0) >> 8));
        return new NvmeFunction(
            site.Bus,
            (options ?? new NvmeOptions()) with { Serial = $"APERTURE {place}" },
            pace: site.Pace,
            namespaces: new NvmeNamespace(new byte[capacity], shift));
    }

    /// <inheritdoc/>
    public override IDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var processors = machine.Tree.Find("/cpus")?.Children.Count(node => node.String("device_type") == "cpu") ?? 0;
        return new NvmeDriver(machine.Clock, driver ?? new NvmeDriverOptions { Queues = Math.Clamp(processors, 1, 64) });
    }
}
