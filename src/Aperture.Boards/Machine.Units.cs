using Aperture.Boards.Units;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;
using Aperture.Power;

namespace Aperture.Boards;

// The IOMMUs.
public sealed partial class Machine
{
    private readonly UnitList _kinds;                                              // what is known of IOMMUs
    private readonly Dictionary<DeviceTreeNode, IMmioDevice> _neighbours = []; // blocks that units share, by node

    private DeviceTreeNode[] _masterNodes = []; // those that are there, in the tree's order

    TimeProvider IBlockHost.Time => Clock;

    private void BuildUnits()
    {
        _masterNodes = [.. Tree.HardwareNodes().Where(node => node.Has("iommus") && node.IsPresent)];
        foreach (var node in Tree.Devices())
        {
            if (_kinds.TryFind(node, out var kind, out var binding))
                BuildUnit(node, kind, binding);
        }
    }

    private void BuildUnit(DeviceTreeNode node, UnitKind kind, UnitBinding binding)
    {
        if (node.Registers() is not [{ Address: { } address, Length: > 0 and var size }, ..])
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: an IOMMU needs a 'reg' that the CPU can reach");
        if (size > kind.LargestWindow(node))
            throw new ApertureException(
                Status.InvalidArgument, $"{node.Path}: a register window of 0x{size:x} bytes is more than an IOMMU has");
        var device = MakeDevice(node, node.Compatible);
        try
        {
            var model = kind.CreateModel(new UnitSite(this, node, device, binding.Pattern, size))
                ?? throw new ApertureException(Status.InvalidArgument, $"{kind.GetType().Name} made no model (CreateModel returned null)");
            if (model.Size > kind.LargestWindow(node))
            {
                throw new ApertureException(
                    Status.InvalidArgument,
                    $"{kind.GetType().Name} made a model with 0x{model.Size:x} bytes of registers, and says itself that there are at most "
                    + $"0x{kind.LargestWindow(node):x} (LargestWindow)");
            }

            Bus.Attach(address, model);
            // Clocks that its masters should hold, and of which they know nothing, are held by nobody here: a boot loader left them on.
            var isHeld = binding.MastersClocks.Count == 0 || MastersOf(node).Any(master => master.Has("clocks"));
            model.ClockFrom([.. GatesOf(node, GateKind.Clock, isHeld ? [] : binding.MastersClocks)]);
            foreach (var reset in GatesOf(node, GateKind.Reset))
                model.ResetFrom(reset);
            foreach (var power in GatesOf(node, GateKind.PowerDomain))
                model.PowerFrom(power);
            ConnectInterrupts(node, model);
            _units.Add(new BoardUnit(node, device, model));
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{node.Path}: {e.Message}", e);
        }
    }

    private IEnumerable<DeviceTreeNode> MastersOf(DeviceTreeNode unit) =>
        _masterNodes.Where(master => master.Iommus().Any(reference => reference.Target == unit));

    /// <summary>See <see cref="NodeSite.Neighbour"/>.</summary>
    T? IBlockHost.Neighbour<T>(DeviceTreeNode node, Func<ulong, T> make)
        where T : class
    {
        if (node.Registers() is not [{ Address: { } address, Length: > 0 and var size }, ..])
            return null;
        if (_neighbours.TryGetValue(node, out var known))
            return known as T ?? throw new ApertureException(Status.Busy, $"{node.Path} is a {known.GetType().Name} already");
        var block = make(size);
        Attach(node, address, block);
        _neighbours.Add(node, block);
        return block;
    }
}
