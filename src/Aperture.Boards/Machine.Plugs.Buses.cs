using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards;

// Blocks on a bus whose devices the tree describes by their numbers only (iommu-map).
public sealed partial class Machine
{
    /// <summary>Adds a device with a block on a bus, behind the units that the bus's <c>iommu-map</c> names for its number, until the
    /// result is disposed.
    /// Its clocks, resets and power domains are the description's. Registers and interrupt are number 0. A number that the map leaves out
    /// passes untranslated.</summary>
    /// <param name="bus">The bus's host: a node with an <c>iommu-map</c>.</param>
    /// <param name="id">The device's number on the bus: a requester id on PCI.</param>
    /// <param name="name">The device's name, and what it is <c>compatible</c> with.</param>
    /// <param name="make">Makes the block for its ports, one for each unit and each of its numbers there.</param>
    /// <param name="description">Pools, limits, windows, gates and trust; coherency is the bus's, and nobody is trusted behind an
    /// <c>external-facing</c> port. Null for none.</param>
    /// <param name="aliases">Further numbers that the block's accesses may carry.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: the node has no <c>iommu-map</c>;
    /// <see cref="Status.NotSupported"/>: a unit is not
    /// modelled; <see cref="Status.InvalidArgument"/>: the map cannot be read, or <paramref name="description"/> names IOMMUs.</exception>
    public PluggedBlock Plug(
        BoardMaster bus,
        uint id,
        string name,
        Func<IReadOnlyList<DmaPort>, MasterDevice> make,
        DeviceDescription? description = null,
        params ReadOnlySpan<uint> aliases)
    {
        ArgumentNullException.ThrowIfNull(bus);
        ArgumentNullException.ThrowIfNull(make);
        description ??= DeviceDescription.Empty;
        if (description.Identity.Units.Count > 0)
            throw new ApertureException(Status.InvalidArgument, $"{name} is on {bus.Name}, whose map says which IOMMUs it is behind");
        var identity = Firmware.Identify(bus.Node, id, aliases);
        var device = new Device(name)
        {
            Description = description with
            {
                Compatible = [name],
                Identity = identity,
                IsCoherent = bus.Node.IsDmaCoherent,
                IsUntrusted = description.IsUntrusted || bus.Node.IsExternalFacing,
            },
        };
        DmaPort[] ports = [.. identity.Units.SelectMany(reference => PortsTo(reference, device))];
        if (ports is [])
            ports = [new DmaPort(Bus) { IsCoherent = device.Description.IsCoherent, Windows = WindowsOf(description) }];
        if (Sanitizer is not null)
        {
            foreach (var port in ports)
                port.Monitor = new PortMonitor(Sanitizer, device);
        }

        device.BusMastering = new PortMastering(ports);
        var gates = description.Gates.Select(gate => Drivers.FindGate(gate, name)).ToArray();
        var plugged = Plug(device, make(ports), gates, Drivers);
        Monitor(ports, plugged.Model);
        Drivers.Add(device);
        return plugged;
    }

    private IEnumerable<DmaPort> PortsTo(IommuSpecifier reference, Device device)
    {
        var unit = _units.Find(unit => unit.Device.Key == reference.Unit)?.Model
            ?? throw new ApertureException(
                Status.NotSupported,
                $"{device.Name} cannot be plugged in: its IOMMU {reference.UnitName} is not modelled");
        var (isCoherent, windows) = (device.Description.IsCoherent, WindowsOf(device.Description));
        return StreamsOf(reference.Cells, unit)
            .Select(stream => new DmaPort(Bus, unit, stream) { IsCoherent = isCoherent, Windows = windows });
    }
}
