using System.Globalization;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Boards;

// From a node to a device: description, registers, interrupts, and the devices that it needs.
public sealed partial class Machine
{
    private const int MaxDomainDepth = 64;

    private readonly Dictionary<DeviceTreeNode, GateController> _controllers = []; // providers of gates, by node; outer domains first
    private readonly Dictionary<DeviceTreeNode, Device> _modules = [];             // ti,sysc wrappers, by node

    /// <summary>Makes the device of a node and everything that it is supplied by.</summary>
    private Device MakeDevice(DeviceTreeNode node, IReadOnlyList<string> compatible, MasterIdentity? identity = null)
    {
        var suppliers = new List<SupplierReference>();
        if (ModuleOf(node) is { } module)
            suppliers.Add(new SupplierReference(module.Key, module.Name));
        foreach (var region in node.MemoryRegions())
        {
            // It never comes: this device waits for it, by name, and the others need not care.
            if (region is { IsValid: true, Target: { IsEnabled: true } missing } && _plan.Missing.TryGetValue(missing, out var why))
                suppliers.Add(new SupplierReference(missing, $"{missing.Path} ({why})"));
        }

        var device = new Device(node.DeviceName, node)
        {
            Description = new DeviceDescription
            {
                Compatible = compatible,
                Identity = identity ?? MasterIdentity.None,
                Gates = Gates(node),
                Suppliers = suppliers,
                IsCoherent = node.IsDmaCoherent,
                IsUntrusted = node.Parent is { IsExternalFacing: true },
                DmaLimit = DmaLimit(node),
                DmaRanges = node.TryGetDmaRanges(out var windows) == Status.Ok ? windows : [],
                MemoryRegions = RegionsOf(node),
                CoherentPool = CoherentPoolOf(node),
                ContiguousArea = PoolOf(node, PoolKind.Contiguous)?.Memory,
                BouncePool = PoolOf(node, PoolKind.Bounce)?.Bounce,
            },
        };
        foreach (var block in node.Registers())
        {
            if (block is { Address: { } address, Length: > 0 })
            {
                var name = string.Create(CultureInfo.InvariantCulture, $"{device.Name} [{device.Registers.Count}]");
                device.Registers.Add(new BusRegisterRegion(Bus, address, block.Length, name));
            }
        }

        foreach (var reference in node.Interrupts())
            device.Interrupts.Add(WireOf(reference).Input);
        _pending.Add(device);
        return device;
    }

    /// <summary>The input that an interrupt reference means; blocks with the same reference share it.</summary>
    private InterruptWire WireOf(PhandleReference reference)
    {
        var name = $"{reference.Target?.DeviceName ?? "nowhere"} {string.Join(' ', reference.Arguments)}";
        if (!_interrupts.TryGetValue(name, out var wire))
        {
            wire = new InterruptWire(name);
            _interrupts.Add(name, wire);
        }

        return wire;
    }

    /// <summary>Connects a model's lines to the interrupts of its node: each to the one of its name (<c>interrupt-names</c>), or where no
    /// interrupt has its name to the one that is called <c>combined</c>, or to that of its place, if the node has so many.</summary>
    private void ConnectInterrupts(DeviceTreeNode node, BusDevice model)
    {
        var interrupts = node.Interrupts();
        var combined = Array.FindIndex([.. interrupts], interrupt => interrupt.Name == "combined");
        for (var place = 0; place < model.Interrupts.Count; place++)
        {
            var line = model.Interrupts[place];
            var named = line.Name.Length == 0 ? -1 : Array.FindIndex([.. interrupts], interrupt => interrupt.Name == line.Name);
            var index = named >= 0 ? named : combined >= 0 ? combined : place;
            if (index < interrupts.Length)
                WireOf(interrupts[index]).Connect(line);
        }
    }

    private List<GateSpecifier> Gates(DeviceTreeNode node)
    {
        var gates = new List<GateSpecifier>();
        foreach (var (kind, reference) in GateReferences(node))
        {
            if (reference.Error == PhandleError.Empty)
                continue; // a hole in the list: this one has no gate
            if (reference is { Error: PhandleError.None, Target: { } provider })
            {
                ControllerOf(provider);
                gates.Add(new GateSpecifier(kind, reference.Name, provider, provider.DeviceName, [.. reference.Arguments]));
            }
            else
            {
                // A supplier that never comes: this device waits for it, by name, and the others need not care.
                gates.Add(new GateSpecifier(kind, reference.Name, reference, NameOf(reference), []));
            }
        }

        return gates;
    }

    private static string NameOf(PhandleReference reference) =>
        reference.Target?.DeviceName ?? string.Create(CultureInfo.InvariantCulture, $"<0x{reference.Phandle:x}>");

    /// <summary>What a node says about its gates. Clocks and resets that it makes for itself are its own affair; nobody waits for
    /// them.</summary>
    private static IEnumerable<(GateKind Kind, PhandleReference Reference)> GateReferences(DeviceTreeNode node) =>
    [
        .. node.Clocks().Where(reference => reference.Target != node).Select(reference => (GateKind.Clock, reference)),
        .. node.Resets().Where(reference => reference.Target != node).Select(reference => (GateKind.Reset, reference)),
        .. node.PowerDomains().Select(reference => (GateKind.PowerDomain, reference)),
    ];

    /// <summary>The gates of one kind that feed a node's block, its wrapper's included. What a unit's driver provides is the unit's own
    /// affair: how it acts on the block the unit's model knows.</summary>
    private List<Gate> GatesOf(DeviceTreeNode node, GateKind kind, IReadOnlyList<string>? without = null)
    {
        var gates = new List<Gate>();
        for (var at = node; at is not null; at = at.Parent is { } parent && parent.IsCompatible("ti,sysc") ? parent : null)
        {
            foreach (var (_, reference) in GateReferences(at).Where(entry =>
                entry.Kind == kind && entry.Reference.IsValid && !IsDriversOwn(entry.Reference.Target!)
                    && !(at == node && entry.Reference.Name is { } name && without?.Contains(name) == true)))
                gates.Add(ControllerOf(reference.Target!).Get(kind, [.. reference.Arguments]));
        }

        return gates;
    }

    /// <summary>The controller of a provider. A domain inside another one is fed by it; one that would feed itself is fed by
    /// nobody.</summary>
    private GateController ControllerOf(DeviceTreeNode node)
    {
        // The way up to what is known already, or to the end of a circle; walked, for trees may be deep.
        var way = new Stack<DeviceTreeNode>();
        var seen = new HashSet<DeviceTreeNode>();
        for (var at = node; at is not null && !_controllers.ContainsKey(at) && seen.Add(at); at = OuterDomain(at)?.Target)
            way.Push(at);
        while (way.TryPop(out var provider))
        {
            var outer = OuterDomain(provider) is { Target: { } target } reference
                && _controllers.TryGetValue(target, out var above) ? (above, reference) : default;
            var depth = outer.above is null ? 0 : outer.above.Depth + 1;
            if (depth > MaxDomainDepth)
                throw new ApertureException(
                    Status.NotSupported, $"{provider.Path}: power domains are nested more than {MaxDomainDepth} deep");
            var feed = outer.above?.Get(GateKind.PowerDomain, [.. outer.reference.Arguments]);
            _controllers.Add(provider, new GateController(provider, feed, depth));
        }

        return _controllers[node];
    }

    private static PhandleReference? OuterDomain(DeviceTreeNode node) =>
        node.PowerDomains() is [{ IsValid: true } outer, ..] ? outer : null;

    /// <summary>The devices that make gates known. A provider that is a device for another reason provides once its driver is bound, and
    /// one that the tree has disabled never comes: those that need it say so.</summary>
    private List<Device> MakeControllers()
    {
        var devices = new List<Device>();
        var others = _pending.ToDictionary(device => device.Node!);
        foreach (var (node, controller) in _controllers)
        {
            if (others.TryGetValue(node, out var owner))
            {
                controller.Owner = owner;
                if (!IsDriversOwn(node))
                    Drivers.RegisterGates(node, controller);
            }
            else if (node.IsPresent)
            {
                devices.Add(MakeController(node));
            }
        }

        return devices;
    }

    /// <summary>Whether a unit's driver provides a node's gates, rather than the board.</summary>
    private bool IsDriversOwn(DeviceTreeNode provider) => _kinds.TryFind(provider, out var kind, out _) && kind.ProvidesGates;

    private static Device MakeController(DeviceTreeNode node) => new(node.DeviceName, node)
    {
        Description = new DeviceDescription
        {
            Compatible = [GateControllerDriver.CompatibleName],
            Suppliers = node.PowerDomains() is [{ Error: not PhandleError.Empty } outer, ..]
                ? [new SupplierReference(outer.IsValid ? outer.Target : outer, NameOf(outer))]
                : [],
        },
    };

    /// <summary>The device of the TI target module around a node, or null.</summary>
    private Device? ModuleOf(DeviceTreeNode node)
    {
        if (node.Parent is not { } parent || !parent.IsCompatible("ti,sysc"))
            return null;
        if (!_modules.TryGetValue(parent, out var module))
        {
            module = MakeDevice(parent, ["ti,sysc"]);
            _modules.Add(parent, module);
        }

        return module;
    }

    private static Iova DmaLimit(DeviceTreeNode node)
    {
        if (node.TryGetDmaRanges(out var ranges) != Status.Ok || ranges.IsEmpty)
            return new Iova(ulong.MaxValue);
        ulong limit = 0;
        foreach (var range in ranges)
            limit = Math.Max(limit, range.Dma + (range.Length - 1));
        return new Iova(limit);
    }
}
