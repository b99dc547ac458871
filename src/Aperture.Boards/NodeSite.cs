using System.Collections.Immutable;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;

namespace Aperture.Boards;

/// <summary>Where a block of a machine stands: its node, and the places where its registers and lines are connected.</summary>
public abstract class NodeSite
{
    private readonly IBlockHost _host;

    private protected NodeSite(IBlockHost host, DeviceTreeNode node, Device device)
    {
        _host = host;
        Node = node;
        Device = device;
        Windows = node.Registers();
    }

    /// <summary>The node in the device tree.</summary>
    public DeviceTreeNode Node { get; }

    /// <summary>What the driver sees. Its register regions are the node's windows that the CPU can reach, in their order.</summary>
    public Device Device { get; }

    /// <summary>The node's register windows.</summary>
    public ImmutableArray<RegisterBlock> Windows { get; }

    /// <summary>The physical address space.</summary>
    public SystemBus Bus => _host.Bus;

    /// <summary>The machine's time.</summary>
    public TimeProvider Time => _host.Time;

    /// <summary>Puts a further block at one of the node's register windows.</summary>
    /// <param name="window">Which window, from 1 on: the first is the block's own.</param>
    /// <param name="block">The block, as large as the window or smaller.</param>
    /// <exception cref="ApertureException">There is no such window that the CPU can reach, or no room.</exception>
    public void AttachWindow(int window, IMmioDevice block)
    {
        if (window >= Windows.Length || Windows[window] is not { Address: { } address, Length: > 0 })
            throw new ApertureException(Status.InvalidArgument, $"there is no register window {window} that the CPU can reach");
        Bus.Attach(address, block);
    }

    /// <summary>The block at another node's first register window, which several units may share: made and put on the bus at the first
    /// call.</summary>
    /// <param name="node">The other node.</param>
    /// <param name="make">Makes the block for a window of so many bytes.</param>
    /// <returns>Null when the node has no register window that the CPU can reach.</returns>
    public T? Neighbour<T>(DeviceTreeNode node, Func<ulong, T> make)
        where T : class, IMmioDevice
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(make);
        return _host.Neighbour(node, make);
    }

    /// <summary>Gives the driver the registers of another node's first window, as the device's last region.</summary>
    /// <param name="node">The other node; one for which <see cref="Neighbour"/> gave a block.</param>
    public void AddRegisters(DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        if (node.Registers() is not [{ Address: { } address, Length: > 0 } window, ..])
            throw new ApertureException(Status.InvalidArgument, $"{node.Path} has no registers that the CPU can reach");
        Device.Registers.Add(new BusRegisterRegion(Bus, address, window.Length, $"{Device.Name} {node.DeviceName}"));
    }
}
