using Aperture.Boards.Pci;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.Pci;
using Aperture.Hardware.Pci;

namespace Aperture.Boards;

// PCI hosts, and the frames to which their devices send messages.
public sealed partial class Machine
{
    private const string PciHostCompatible = "pci-host-ecam-generic";
    private const string MessageFrameCompatible = "arm,gic-v2m-frame";
    private const uint DefaultFirstMessage = 64; // where the tree does not say: the model's own
    private const uint DefaultMessages = 128;
    private const ulong LargestEcam = 1 << 28;
    private const ulong LargestWindow = 1UL << 42; // more parts than that no bus needs

    private readonly List<BoardPciHost> _pciHosts = []; // in the tree's order
    private readonly HashSet<PciKind> _pciKinds = [];   // of the functions that the tree has
    private PciPlatform? _pci;                          // null without a host

    /// <summary>The PCI hosts, in the tree's order.</summary>
    public IReadOnlyList<BoardPciHost> PciHosts => _pciHosts;

    /// <summary>What was found in the slots of all hosts, in order of address; nothing of a host without its driver.</summary>
    internal IEnumerable<Device> PciDevices =>
        _pciHosts.SelectMany(host => host.Bridge?.Devices ?? []).Select(found => found.Device);

    private void BuildPciHosts()
    {
        foreach (var node in Tree.Devices().Where(node => IsPciHost(node) && WhyNoPciHost(node) is null))
        {
            _pci ??= new PciPlatform(Bus, reference => WireOf(reference).Input, OnPciFound);
            try
            {
                BuildPciHost(node);
            }
            catch (ApertureException e) when (!e.Message.StartsWith(node.Path, StringComparison.Ordinal))
            {
                throw new ApertureException(e.Status, $"{node.Path}: {e.Message}", e);
            }
        }
    }

    private static bool IsPciHost(DeviceTreeNode node) => node.IsPresent && node.IsCompatible(PciHostCompatible);

    /// <summary>Behind a unit without a model no function could do DMA.</summary>
    private string? WhyNoPciHost(DeviceTreeNode node) => node.TryGetIommuMap(out var entries) == Status.Ok
        && entries.FirstOrDefault(entry => entry.Unit is { IsPresent: true } unit && !_kinds.Has(unit)).Unit is { } missing
        ? $"its IOMMU {missing.DeviceName} ({Kind(missing)}) is not modelled" : null;

    private void BuildPciHost(DeviceTreeNode node)
    {
        if (node.Registers() is not [{ Address: { } address, Length: >= 1 << 20 and <= LargestEcam and var size }, ..])
            throw new ApertureException(Status.InvalidArgument, "a PCI host needs a 'reg' of 1 to 256 MiB that the CPU can reach");
        if (!node.TryGetBusRange(out var first, out var last))
            throw new ApertureException(Status.InvalidArgument, "bus-range is no range of buses");
        var ranges = node.PciRanges();
        if (ranges.FirstOrDefault(range => range.Length > LargestWindow) is { Length: > 0 } large)
            throw new ApertureException(Status.NotSupported, $"a window of 0x{large.Length:x} bytes is larger than is modelled");
        var device = MakeDevice(node, node.Compatible);
        var host = new PciHost(new PciHostOptions
        {
            FirstBus = first,
            LastBus = (byte)Math.Min(last, first + (size >> 20) - 1),
            Windows = [.. ranges.Select(range => new PciMemoryWindow(range.Cpu, range.First, range.Length))],
            Upstream = id => UpstreamOf(node, id),
        });
        host.AttachTo(Bus, address);
        for (var pin = 1; pin <= host.Lines.Count; pin++)
        {
            // The host's four lines are those of its device 0: what sits elsewhere was turned by its number already.
            if (node.TryMapPciInterrupt(0, pin, out var reference))
                WireOf(reference).Connect(host.Lines[pin - 1]);
        }

        BuildMessageFrames(node);
        var site = new PciSite(node, host, Bus, Clock, Pace);
        foreach (var child in node.Children.Where(child => child.IsPresent))
            BuildPciFunction(site, child);
        _options.Pci?.Invoke(site);
        _pciHosts.Add(new BoardPciHost(node, device, host));
    }

    /// <summary>A function that the tree has on the root bus. What has no model is not there.</summary>
    private void BuildPciFunction(PciSite site, DeviceTreeNode node)
    {
        PciKind[] kinds = [.. _options.PciKinds, new EduPciKind(), new NvmePciKind(), new AtsEndpointPciKind()];
        var kind = node.Compatible.Select(name => Array.Find(kinds, kind => kind.Compatible.Contains(name)))
            .FirstOrDefault(kind => kind is not null);
        if (kind is null || node.Property("reg") is not { IsCells: true, CellCount: > 0 } reg)
            return;
        try
        {
            var place = new PciAddress((ushort)(reg.Cell(0) >> 8)); // bus, device and function lie in bits 23..8
            site.Host.Root.Add(kind.CreateFunction(site, node), place.Device, place.Function);
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{node.Path}: {e.Message}", e);
        }

        _pciKinds.Add(_pciKinds.FirstOrDefault(known => known.GetType() == kind.GetType()) ?? kind);
    }

    /// <summary>The drivers of PCI: the hosts', and those of what the tree has behind them.</summary>
    private void RegisterPciDrivers()
    {
        if (_pci is null)
            return;
        Drivers.Register(new PciHostDriver(Drivers, Firmware, _pci));
        foreach (var driver in _pciKinds.Select(kind => kind.CreateDriver(this)).OfType<IDriver>())
            Drivers.Register(driver);
    }

    /// <summary>Where accesses with a requester id go by the tree.</summary>
    private PciUpstream UpstreamOf(DeviceTreeNode host, PciAddress id)
    {
        var ranges = host.TryGetChildDmaRanges(out var given) == Status.Ok ? given : [];
        var plain = new PciUpstream(null, new StreamId(id.Value))
        {
            IsCoherent = host.IsDmaCoherent,
            Windows = WindowsOf(new DeviceDescription { DmaRanges = ranges }),
        };
        var status = host.TryMapIommuId(id.Value, out var node, out var cells);
        if (status == Status.NoDevice && !host.Has("iommu-map"))
            return plain;
        if (status != Status.Ok)
            return plain with { IsOpen = false };
        if (node is not { IsPresent: true })
            return plain;
        return ModelOf(node) is { } unit
            ? plain with { Unit = unit, Stream = StreamsOf(cells, unit).First() }
            : plain with { IsOpen = false }; // what stands there nobody models
    }

    private void BuildMessageFrames(DeviceTreeNode host)
    {
        foreach (var node in Tree.HardwareNodes().Where(node => node.IsPresent && node.IsCompatible(MessageFrameCompatible)))
        {
            if (_pciHosts.Count > 0 || node.Address is not { } address)
                continue; // the first host has brought them
            var first = node.U32("arm,msi-base-spi") ?? DefaultFirstMessage;
            var count = node.U32("arm,msi-num-spis") ?? DefaultMessages;
            var messages = new MessageInterrupts(node.DeviceName, first, (int)Math.Min(count, int.MaxValue));
            Attach(node, address, messages.Frame);
            _pci!.Add(node, new MessageController(messages, address));
        }
    }

    private void OnPciFound(Device host, PciAddress address, Device device)
    {
        if (Sanitizer is null || _pciHosts.Find(other => other.Device == host)?.Model.Find(address) is not { } function)
            return;
        var monitor = new PortMonitor(Sanitizer, device);
        foreach (var block in function.Bars.OfType<PciBar>().SelectMany(bar => bar.Blocks).OfType<Hardware.Masters.MasterDevice>())
            monitor.Add(block);
        function.Port.Monitor = monitor;
    }
}
