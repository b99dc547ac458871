using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Drivers.DmaMaster;
using Aperture.Drivers.Ti;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;
using Aperture.Power;

namespace Aperture.Boards;

// The masters, and a generic DMA master behind each of them.
public sealed partial class Machine
{
    /// <summary>Where the registers of the generic masters lie: above all that a 64-bit processor of today can address.</summary>
    private static readonly PhysicalAddress MasterRegisters = new(0xFF00_0000_0000_0000);

    /// <summary>The port number of the generic master is a byte.</summary>
    private const int MaxPorts = 256;

    private void BuildMasters()
    {
        foreach (var node in Tree.HardwareNodes().Where(node => node.Has("iommus") || node.Has("iommu-map")))
        {
            if (IsPciHost(node))
            {
                if (WhyNoPciHost(node) is { } why)
                    _masters.Add(new BoardMaster(node, [], []) { Skipped = why });
                continue; // its masters are in its slots
            }

            var references = node.Iommus();
            var master = new BoardMaster(
                node,
                [.. references.Select(NameOf).Distinct()],
                [.. references.SelectMany(reference => reference.Arguments)]);
            _masters.Add(WhySkipped(node, references) is { } reason ? master with { Skipped = reason } : Equip(master, references));
        }
    }

    /// <exception cref="ApertureException">The master is there, and refers to something that is not.</exception>
    private string? WhySkipped(DeviceTreeNode node, IReadOnlyList<PhandleReference> references)
    {
        if (!node.IsPresent)
            return $"{Kind(node)} is disabled in the device tree";
        if (node.Compatible.IsEmpty)
            return "it has no compatible string, so it is no device";
        if (references.Count == 0)
        {
            return $"the masters on {Kind(node)} are described by iommu-map: they are there once blocks with their ids "
                + $"were plugged in{OnUnit(node)}";
        }

        foreach (var reference in references)
        {
            if (reference.Error != PhandleError.None || reference.Target is null)
            {
                throw new ApertureException(
                    Status.InvalidArgument,
                    $"{node.Path}: iommus entry <0x{reference.Phandle:x}> does not resolve: {reference.Error}");
            }
        }

        // As systems in the field do: a unit that the tree switches off is none.
        if (references.FirstOrDefault(reference => !reference.Target!.IsPresent) is { Target: { } off })
            return $"its IOMMU {off.DeviceName} ({Kind(off)}) is disabled in the device tree: its DMA is not confined";
        if (references.FirstOrDefault(reference => !_kinds.Has(reference.Target!)) is { Target: { } unit })
            return $"IOMMU {unit.DeviceName} ({Kind(unit)}) is not modelled";
        return _units.Exists(candidate => candidate.Node == node) ? $"{Kind(node)} is an IOMMU itself" : null;
    }

    private static string OnUnit(DeviceTreeNode bus) =>
        bus.TryGetIommuMap(out var entries) == Status.Ok && entries is [{ Unit: { } unit }, ..]
            ? $", on IOMMU {unit.DeviceName} ({Kind(unit)})"
            : "";

    private static string Kind(DeviceTreeNode node) =>
        node.Compatible.IsEmpty ? "a node without a compatible string" : string.Join(", ", node.Compatible);

    private BoardMaster Equip(BoardMaster master, IReadOnlyList<PhandleReference> references)
    {
        var node = master.Node;
        var device = MakeDevice(node, node.Compatible, Firmware.Identify(node));
        var windows = WindowsOf(device.Description);
        var ports = references
            .Select(reference => (Unit: ModelOf(reference.Target!), Cells: reference.Arguments))
            .SelectMany(reference => StreamsOf(reference.Cells, reference.Unit), (reference, stream) => (reference.Unit, Stream: stream))
            .Distinct()
            .Select(port => new DmaPort(Bus, port.Unit, port.Stream) { IsCoherent = node.IsDmaCoherent, Windows = windows })
            .ToArray();
        if (ports.Length > MaxPorts)
        {
            throw new ApertureException(
                Status.NotSupported,
                $"{node.Path}: a master with {ports.Length} ports to IOMMUs; at most {MaxPorts} are modelled");
        }

        if (Sanitizer is not null)
        {
            foreach (var port in ports)
                port.Monitor = new PortMonitor(Sanitizer, device);
        }

        device.BusMastering = new PortMastering(ports);
        var model = new DmaMaster(ports) { Pace = Pace };
        foreach (var power in GatesOf(node, GateKind.PowerDomain))
            model.PowerFrom(power);
        var address = MasterRegisters + ((ulong)_masters.Count << 16);
        Attach(node, address, model);
        device.Registers.Add(new BusRegisterRegion(Bus, address, model.Size, $"{device.Name} dma-master"));
        var wire = new InterruptWire($"{device.Name} dma-master");
        wire.Connect(model.Interrupt);
        device.Interrupts.Add(wire.Input);
        var client = MakeClient(node, device, ports);
        Monitor(ports, model);
        if (client is not null)
            Monitor(ports, client);
        return master with { Device = device, Model = model, Client = client, Ports = ports };
    }

    /// <summary>Says which model uses ports, for who watches them.</summary>
    private static void Monitor(IReadOnlyList<DmaPort> ports, MasterDevice model)
    {
        foreach (var port in ports)
            (port.Monitor as PortMonitor)?.Add(model);
    }

    private TranslationUnit? ModelOf(DeviceTreeNode unit) => _units.Find(candidate => candidate.Node == unit)?.Model;

    /// <summary>A unit with several masters knows each by the number behind the reference; into one that is its master's alone there may be
    /// several ways.</summary>
    private static IEnumerable<StreamId> StreamsOf(IReadOnlyList<uint> cells, TranslationUnit? unit) => cells is [var id, ..]
        ? [new StreamId(id)]
        : Enumerable.Range(0, unit?.StreamsOfMaster ?? 1).Select(stream => new StreamId((uint)stream));

    private void RegisterDrivers()
    {
        Drivers.Register(new GateControllerDriver(Drivers, _controllers));
        Drivers.Register(new TiSyscDriver());
        foreach (var kind in _kinds.Kinds)
        {
            Drivers.Register(kind.CreateDriver(this) ?? throw new ApertureException(
                Status.InvalidArgument, $"{kind.GetType().Name} made no driver (CreateDriver returned null)"));
        }

        RegisterPciDrivers();
        foreach (var (_, driver) in _masterDrivers)
            Drivers.Register(driver);
        var driven = _masterDrivers.Select(entry => entry.Kind).ToHashSet();
        var modelled = _masters
            .Where(master => master.Device is not null && !(_masterKinds.Find(master.Node) is { } kind && driven.Contains(kind)))
            .SelectMany(master => master.Node.Compatible);
        Drivers.Register(new DmaMasterDriver([.. modelled.Distinct()], time: Clock));
    }
}
