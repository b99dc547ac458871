using Aperture.Devices;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Units;

/// <summary>Where a unit of a machine stands.</summary>
public sealed class UnitSite : NodeSite
{
    internal UnitSite(IBlockHost host, DeviceTreeNode node, Device device, string compatible, ulong size)
        : base(host, node, device)
    {
        Compatible = compatible;
        Size = (uint)size;
    }

    /// <summary>Which of the kind's <c>compatible</c> strings the node has.</summary>
    public string Compatible { get; }

    /// <summary>Bytes of the node's first register window.</summary>
    public uint Size { get; }
}
