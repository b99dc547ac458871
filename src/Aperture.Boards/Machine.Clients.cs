using Aperture.Boards.Masters;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using Aperture.Power;

namespace Aperture.Boards;

// Models of what nodes really are, at the nodes' own registers.
public sealed partial class Machine
{
    private readonly MasterList _masterKinds;
    private readonly List<(MasterKind Kind, IDriver Driver)> _masterDrivers = []; // of the kinds that have one
    private readonly List<BoardMaster> _direct = [];                              // in the tree's order

    /// <summary>The devices behind no IOMMU that have a model and a driver by <see cref="MasterKind"/>, in the tree's order. Each has its
    /// model as
    /// <see cref="BoardMaster.Client"/>, and no generic master behind it.</summary>
    public IReadOnlyList<BoardMaster> DirectMasters => _direct;

    /// <summary>The model at a node's own registers; null where there is none.</summary>
    private MasterDevice? MakeClient(DeviceTreeNode node, Device device, IReadOnlyList<DmaPort> ports)
    {
        if (_masterKinds.Find(node) is not { } kind || node.Registers() is not [{ Address: { } address }, ..])
            return null;
        try
        {
            var client = kind.CreateModel(new MasterSite(this, node, device, ports))
                ?? throw new ApertureException(Status.InvalidArgument, $"{kind.GetType().Name} made no model (CreateModel returned null)");
            Bus.Attach(address, client);
            client.ClockFrom([.. GatesOf(node, GateKind.Clock)]);
            foreach (var reset in GatesOf(node, GateKind.Reset))
                client.ResetFrom(reset);
            foreach (var power in GatesOf(node, GateKind.PowerDomain))
                client.PowerFrom(power);
            ConnectInterrupts(node, client);
            return client;
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{node.Path}: {e.Message}", e);
        }
    }

    /// <summary>Devices that go to memory by themselves. Those that nothing would drive are left out.</summary>
    private void BuildDirectMasters()
    {
        foreach (var kind in _masterKinds.Kinds)
        {
            if (kind.CreateDriver(this) is { } driver)
                _masterDrivers.Add((kind, driver));
        }

        var driven = _masterDrivers.Select(entry => entry.Kind).ToHashSet();
        foreach (var node in Tree.Devices().Where(node => !node.Has("iommus") && !_kinds.Has(node)))
        {
            if (_masterKinds.Find(node) is not { } kind || !driven.Contains(kind))
                continue;
            var device = MakeDevice(node, node.Compatible);
            var port = new DmaPort(Bus) { IsCoherent = node.IsDmaCoherent, Windows = WindowsOf(device.Description) };
            if (Sanitizer is not null)
                port.Monitor = new PortMonitor(Sanitizer, device);
            device.BusMastering = new PortMastering([port]);
            var client = MakeClient(node, device, [port])
                ?? throw new ApertureException(
                    Status.InvalidArgument, $"{node.Path}: a device with a model needs a 'reg' that the CPU can reach");
            Monitor([port], client);
            _direct.Add(new BoardMaster(node, [], []) { Device = device, Client = client, Ports = [port] });
        }
    }
}
