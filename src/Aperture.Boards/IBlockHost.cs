using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;

namespace Aperture.Boards;

/// <summary>What makes blocks of nodes: a machine with software of ours, or hardware alone.</summary>
internal interface IBlockHost
{
    /// <summary>The physical address space.</summary>
    SystemBus Bus { get; }

    /// <summary>The time of the blocks.</summary>
    TimeProvider Time { get; }

    /// <summary>See <see cref="NodeSite.Neighbour"/>.</summary>
    T? Neighbour<T>(DeviceTreeNode node, Func<ulong, T> make)
        where T : class, IMmioDevice;
}
