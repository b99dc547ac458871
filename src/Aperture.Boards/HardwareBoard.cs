using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;

namespace Aperture.Boards;

/// <summary>The IOMMUs of a device tree as hardware alone, on a bus of somebody else's, for guests that bring drivers of their own.
/// There is no software of ours: clocks run, resets are released, and power is on.</summary>
public sealed class HardwareBoard : IBlockHost
{
    private readonly Dictionary<DeviceTreeNode, IMmioDevice> _neighbours = []; // blocks that units share, by node
    private readonly List<HardwareUnit> _units = [];

    /// <summary>Makes the models.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="bus">The bus of the guest; the registers are put on it, too.</param>
    /// <param name="time">The time of the models; null for the host's.</param>
    /// <param name="kinds">The kinds of IOMMU that are known; null for ours.</param>
    /// <exception cref="ApertureException">A node describes no unit that there can be; the message names it.</exception>
    public HardwareBoard(DeviceTree tree, SystemBus bus, TimeProvider? time = null, UnitList? kinds = null)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(bus);
        Tree = tree;
        Bus = bus;
        Time = time ?? TimeProvider.System;
        foreach (var node in tree.Devices())
        {
            if ((kinds ?? UnitList.Default).TryFind(node, out var kind, out var binding))
                _units.Add(Build(node, kind, binding));
        }
    }

    /// <summary>The tree.</summary>
    public DeviceTree Tree { get; }

    /// <summary>The IOMMUs, in the order of the tree.</summary>
    public IReadOnlyList<HardwareUnit> Units => _units;

    /// <inheritdoc/>
    public SystemBus Bus { get; }

    /// <inheritdoc/>
    public TimeProvider Time { get; }

    /// <summary>The port of a master, behind the first unit that its node names; straight onto the bus where it names none.</summary>
    /// <param name="master">The master's node.</param>
    /// <exception cref="ApertureException">It names something else.</exception>
    public DmaPort PortOf(DeviceTreeNode master)
    {
        ArgumentNullException.ThrowIfNull(master);
        if (master.Iommus() is not [var reference, ..])
            return new DmaPort(Bus);
        var unit = _units.Find(unit => unit.Node == reference.Target)
            ?? throw new ApertureException(Status.NoDevice, $"{master.Path}: 'iommus' names no IOMMU that is modelled");
        return new DmaPort(Bus, unit.Model, new StreamId(reference.Arguments is [var id, ..] ? id : 0));
    }

    T? IBlockHost.Neighbour<T>(DeviceTreeNode node, Func<ulong, T> make)
        where T : class
    {
        if (node.Registers() is not [{ Address: { } address, Length: > 0 and var size }, ..])
            return null;
        if (_neighbours.TryGetValue(node, out var known))
            return known as T ?? throw new ApertureException(Status.Busy, $"{node.Path} is a {known.GetType().Name} already");
        var block = make(size);
        Bus.Attach(address, block);
        _neighbours.Add(node, block);
        return block;
    }

    private HardwareUnit Build(DeviceTreeNode node, UnitKind kind, UnitBinding binding)
    {
        var windows = node.Registers();
        if (windows is not [{ Address: { } address, Length: > 0 and var size }, ..])
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: an IOMMU needs a 'reg' that the CPU can reach");
        if (size > kind.LargestWindow(node) || size < kind.SmallestWindow(node))
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: no IOMMU of the kind has 0x{size:x} bytes of registers");
        try
        {
            var model = kind.CreateModel(new UnitSite(this, node, new Device(node.DeviceName, node), binding.Pattern, size));
            Bus.Attach(address, model);
            var blocks = new List<HardwareBlock>();
            foreach (var window in windows)
            {
                if (window.Address is { } at && Bus.TryFindDevice(at, out var block, out var offset) && offset == 0)
                    blocks.Add(new HardwareBlock(at, block));
            }

            return new HardwareUnit(node, model, blocks);
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{node.Path}: {e.Message}", e);
        }
    }
}
