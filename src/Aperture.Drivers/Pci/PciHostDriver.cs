using System.Globalization;
using Aperture.Core;
using Aperture.Datasheets.Pci;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Firmware;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Drivers.Pci;

/// <summary>Driver of PCI hosts with ECAM: finds what is on their buses, gives bus numbers and addresses, and adds a device for each
/// function that is no bridge. Configuration space is the host's first register region.</summary>
/// <remarks>Source: the binding <c>pci-host-ecam-generic</c> (bus-range, ranges, iommu-map, msi-parent, msi-map, interrupt-map,
/// ats-supported, linux,pci-domain). What firmware assigned is not kept.</remarks>
public sealed class PciHostDriver : IDriver
{
    private const ulong EcamPerBus = 1 << 20;

    private readonly DriverCore _drivers;
    private readonly IFirmware _firmware;
    private readonly IPciPlatform _platform;
    private readonly int _maxInterrupts;

    /// <summary>A driver.</summary>
    /// <param name="drivers">Where devices are added.</param>
    /// <param name="firmware">Says who is behind which IOMMU.</param>
    /// <param name="platform">The rest of the machine.</param>
    /// <param name="maxInterrupts">Message interrupts of a device at most, 1 or more.</param>
    public PciHostDriver(DriverCore drivers, IFirmware firmware, IPciPlatform platform, int maxInterrupts = 32)
    {
        ArgumentNullException.ThrowIfNull(drivers);
        ArgumentNullException.ThrowIfNull(firmware);
        ArgumentNullException.ThrowIfNull(platform);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxInterrupts, 1);
        _drivers = drivers;
        _firmware = firmware;
        _platform = platform;
        _maxInterrupts = maxInterrupts;
    }

    /// <inheritdoc/>
    public string Name => "pci-host-ecam";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["pci-host-ecam-generic"];

    /// <summary>Takes a host over; the result is a <see cref="PciHostBridge"/>.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it has no node or no registers;
    /// <see cref="Status.InvalidArgument"/>: what the tree says of its buses or of IOMMUs cannot be.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Node is not { } node || device.Registers.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no node in a tree or no configuration space");
        var space = device.Registers[0];
        if (!node.TryGetBusRange(out var first, out var last))
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: bus-range is no range of buses");
        if (space.Size < EcamPerBus)
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: 0x{space.Size:x} bytes have no room for a bus");
        last = (byte)Math.Min(last, first + (space.Size / EcamPerBus) - 1);
        var problems = new List<string>();
        var functions = PciScan.Run(space, first, last, problems);
        var ranges = node.PciRanges();
        PciResources.Assign(functions, ranges, problems);
        foreach (var function in functions)
        {
            PciGrouping.Enable(function);
            if (function.IsBridge)
                function.Configuration.Update16(PciRegisters.Command, (ushort)(PciCommand.MemorySpace | PciCommand.BusMaster));
        }

        var bridge = new PciHostBridge(_drivers, device, first, functions, problems, function => Make(device, node, ranges, function));
        bridge.Add([.. functions.Where(function => !function.IsBridge).Select(function => Make(device, node, ranges, function))]);
        return bridge;
    }

    private PciDevice Make(Device host, DeviceTreeNode node, IReadOnlyList<PciRange> ranges, PciFunctionInfo function)
    {
        var domain = node.U32("linux,pci-domain") ?? 0;
        var name = string.Create(CultureInfo.InvariantCulture, $"{domain:x4}:{function.Address}");
        var bars = Map(ranges, function, name);
        var mastering = new PciMastering(function.Configuration, name);
        if (bars.Count > 0)
            mastering.Update(PciCommand.MemorySpace);
        var controller = node.FindMsiParent(function.Address.Value) is { } messages ? _platform.FindMessages(messages) : null;
        var vectors = controller is null ? null : PciVectors.TryCreate(function.Configuration, bars, controller, _maxInterrupts);
        var made = new PciDevice(function, mastering, vectors, owner => new Device(name)
        {
            Description = new DeviceDescription
            {
                Compatible = PciDevice.CompatibleOf(function.Vendor, function.Device, function.ClassCode),
                Identity = IdentityOf(node, ranges, function),
                Gates = [new GateSpecifier(GateKind.PowerDomain, null, owner, name, [])],
                Suppliers = [new SupplierReference(host.Key, host.Name)],
                IsCoherent = node.IsDmaCoherent,
                IsUntrusted = node.IsExternalFacing,
                DmaRanges = node.TryGetChildDmaRanges(out var windows) == Status.Ok ? windows : [],
                DmaLimit = windows is [] ? new Iova(ulong.MaxValue) : new Iova(windows.Max(window => window.Dma + (window.Length - 1))),
            },
        });
        foreach (var (_, region) in bars.OrderBy(bar => bar.Key))
            made.Device.Registers.Add(region);
        if (vectors is not null)
        {
            foreach (var interrupt in vectors.Interrupts)
                made.Device.Interrupts.Add(interrupt);
        }
        else if (LineOf(node, function) is { } line)
        {
            made.Device.Interrupts.Add(line);
        }

        _platform.OnFound(host, function.Address, made.Device);
        return made;
    }

    /// <summary>The registers of BARs, by their numbers; of those that have a place.</summary>
    private Dictionary<int, RegisterRegion> Map(IReadOnlyList<PciRange> ranges, PciFunctionInfo function, string name)
    {
        var regions = new Dictionary<int, RegisterRegion>();
        foreach (var bar in function.Bars)
        {
            if (bar.Address is not { } address)
                continue;
            var range = ranges.First(range => address >= range.First && address <= range.Last);
            regions.Add(bar.Number, _platform.MapRegisters(range.Cpu + (address - range.First), bar.Size, $"{name} BAR {bar.Number}"));
        }

        return regions;
    }

    private MasterIdentity IdentityOf(DeviceTreeNode node, IReadOnlyList<PciRange> ranges, PciFunctionInfo function)
    {
        if (!node.Has("iommu-map"))
            return MasterIdentity.None;
        var identity = _firmware.Identify(node, function.Address.Value, PciGrouping.AliasesOf(function));
        if (identity.Units.Count == 0)
            return MasterIdentity.None;
        var pasid = function.Configuration.Find(ExtendedCapabilityId.Pasid);
        // An address that a device calls translated is not looked at: nobody who could plug one in from outside is believed.
        var mayTranslate = identity.IsAtsAllowed && !node.IsExternalFacing;
        var pri = mayTranslate ? function.Configuration.Find(ExtendedCapabilityId.Pri) : 0;
        return identity with
        {
            HasAts = mayTranslate && function.Configuration.Find(ExtendedCapabilityId.Ats) != 0,
            PageRequests = pri == 0 ? 0
                : (int)Math.Min(function.Configuration.Read32(pri + PriRegisters.Capacity), int.MaxValue),
            GroupKeys = PciGrouping.KeysOf(node, function),
            PasidBits = pasid == 0 ? 0 : PasidRegisters.WidthOf(function.Configuration.Read16(pasid + PasidRegisters.Capabilities)),
            // Accesses there may be taken by a peer, and never get to the unit.
            Reservations =
            [
                .. identity.Reservations,
                .. ranges.Select(range => new IovaReservation(new Iova(range.First), new Iova(range.Last), ReservationKind.Reserved)),
            ],
        };
    }

    /// <summary>The input of a function's INTx, turned by the bridges above it.</summary>
    private Interrupt? LineOf(DeviceTreeNode node, PciFunctionInfo function)
    {
        var pin = function.Configuration.Read8(PciRegisters.InterruptPin);
        if (pin is 0 or > 4)
            return null;
        var at = function;
        for (; at.Bridge is { } bridge; at = bridge)
            pin = (byte)(((pin - 1 + at.Address.Device) % 4) + 1);
        return node.TryMapPciInterrupt(at.Address.Device, pin, out var reference) ? _platform.FindInterrupt(reference) : null;
    }
}
