using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using Aperture.Power;

namespace Aperture.Boards;

// Blocks that the tree does not have.
public sealed partial class Machine
{
    /// <summary>Where their registers lie: behind those of the generic masters.</summary>
    private static readonly PhysicalAddress PlugRegisters = new(0xFF80_0000_0000_0000);

    private int _plugs; // made so far; each has registers of its own

    /// <summary>Puts a block in the place of a master, as if the node were that: behind its IOMMUs and buses, with its clocks, resets,
    /// power domains and memory pools. Until the result is disposed the device has the block's registers and interrupt, each as number 0,
    /// and no others; the driver that it had comes back then.</summary>
    /// <param name="master">A master that was not skipped.</param>
    /// <param name="make">Makes the block for the ports, one for each unit.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: the master was skipped; <see cref="Status.Busy"/>: it is being
    /// probed, or the system sleeps.</exception>
    public PluggedBlock Plug(BoardMaster master, Func<IReadOnlyList<DmaPort>, MasterDevice> make)
    {
        ArgumentNullException.ThrowIfNull(master);
        ArgumentNullException.ThrowIfNull(make);
        var device = master.Device ?? throw new ApertureException(
            Status.NoDevice, $"nothing can be plugged in for {master.Name}: {master.Skipped}");
        return Plug(device, make(master.Ports), AllGatesOf(master.Node), null);
    }

    /// <summary>Adds a device with a block that goes to memory directly, by way of its description's
    /// <see cref="DeviceDescription.DmaRanges"/>, until the result is disposed. Its clocks, resets and power domains are the description's;
    /// those of a provider that the machine has not got are an error. Registers and interrupt are number 0.</summary>
    /// <param name="name">The device's name, and what it is <c>compatible</c> with.</param>
    /// <param name="make">Makes the block for its port.</param>
    /// <param name="description">Pools, limits, windows, gates and coherency; null for none.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the description names IOMMUs;
    /// <see cref="Status.NotFound"/>: it asks for a gate that nobody provides.</exception>
    public PluggedBlock Plug(string name, Func<DmaPort, MasterDevice> make, DeviceDescription? description = null)
    {
        ArgumentNullException.ThrowIfNull(make);
        description ??= DeviceDescription.Empty;
        if (description.Identity.Units.Count > 0)
            throw new ApertureException(
                Status.InvalidArgument, $"{name} cannot be plugged in behind an IOMMU of its own; put it behind a master's");
        var device = new Device(name) { Description = description with { Compatible = [name] } };
        var gates = description.Gates.Select(gate => Drivers.FindGate(gate, name)).ToArray();
        var port = new DmaPort(Bus) { IsCoherent = description.IsCoherent, Windows = WindowsOf(description) };
        if (Sanitizer is not null)
            port.Monitor = new PortMonitor(Sanitizer, device);
        device.BusMastering = new PortMastering([port]);
        var plugged = Plug(device, make(port), gates, Drivers);
        Monitor([port], plugged.Model);
        Drivers.Add(device);
        return plugged;
    }

    private PluggedBlock Plug(Device device, MasterDevice model, IReadOnlyList<Gate> gates, DriverCore? added)
    {
        var address = PlugRegisters + ((ulong)_plugs++ << 16);
        Bus.Attach(address, model);
        var region = new BusRegisterRegion(Bus, address, model.Size, $"{device.Name} plugged");
        var wire = new InterruptWire($"{device.Name} plugged");
        wire.Connect(model.Interrupt);
        return new PluggedBlock(this, device, model, region, wire.Input, gates, added is not null);
    }

    private List<Gate> AllGatesOf(DeviceTreeNode node) =>
        [.. GatesOf(node, GateKind.Clock), .. GatesOf(node, GateKind.Reset), .. GatesOf(node, GateKind.PowerDomain)];

    /// <summary>What the buses in front of a device pass.</summary>
    private static BusWindow[] WindowsOf(DeviceDescription description) =>
        [.. description.DmaRanges.Select(range => new BusWindow(new Iova(range.Dma), range.Length, range.Cpu))];
}
