using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Devices;
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

    /// <summary>Puts a further block behind a master's ports, as if the node were that: behind its IOMMUs, in its power domains, with its memory
    /// pools. The block's registers are the device's last region, and its interrupt the last one, until the result is disposed.</summary>
    /// <param name="master">A master that was not skipped; no driver may be bound to it that uses its last region.</param>
    /// <param name="make">Makes the block for the ports, one for each unit.</param>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: the master was skipped.</exception>
    public PluggedBlock Plug(BoardMaster master, Func<IReadOnlyList<DmaPort>, MasterDevice> make)
    {
        ArgumentNullException.ThrowIfNull(master);
        ArgumentNullException.ThrowIfNull(make);
        var device = master.Device ?? throw new ApertureException(Status.NoDevice, $"nothing can be plugged in for {master.Name}: {master.Skipped}");
        var model = make(master.Ports);
        return Plug(device, model, GatesOf(master.Node, GateKind.PowerDomain), null);
    }

    /// <summary>Adds a device with a block that goes to memory directly, until the result is disposed. It has no power domain and no clock.</summary>
    /// <param name="name">The device's name, and what it is <c>compatible</c> with.</param>
    /// <param name="make">Makes the block for its port.</param>
    /// <param name="description">Pools, limits and coherency; null for none.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the description names IOMMUs.</exception>
    public PluggedBlock Plug(string name, Func<DmaPort, MasterDevice> make, DeviceDescription? description = null)
    {
        ArgumentNullException.ThrowIfNull(make);
        description ??= DeviceDescription.Empty;
        if (description.Identity.Units.Count > 0)
            throw new ApertureException(Status.InvalidArgument, $"{name} cannot be plugged in behind an IOMMU of its own; put it behind a master's");
        var device = new Device(name) { Description = description with { Compatible = [name] } };
        var port = new DmaPort(Bus) { IsCoherent = description.IsCoherent };
        if (Sanitizer is not null)
            port.Monitor = new PortMonitor(Sanitizer, device);
        var plugged = Plug(device, make(port), [], Drivers);
        Drivers.Add(device);
        return plugged;
    }

    private PluggedBlock Plug(Device device, MasterDevice model, IReadOnlyList<Gate> power, DriverCore? added)
    {
        var address = PlugRegisters + ((ulong)_plugs++ << 16);
        Bus.Attach(address, model);
        var region = new BusRegisterRegion(Bus, address, model.Size, $"{device.Name} plugged");
        var wire = new InterruptWire($"{device.Name} plugged");
        wire.Connect(model.Interrupt);
        return new PluggedBlock(Bus, device, model, region, wire.Input, power, added);
    }
}
