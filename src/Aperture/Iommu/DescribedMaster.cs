using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>A master as it was described, from when its device was added until it leaves the machine. Guarded by the core.</summary>
internal sealed class DescribedMaster(Device device, MasterIdentity identity, bool isForOneStay)
{
    public Device Device { get; } = device;

    public MasterIdentity Identity { get; } = identity;

    /// <summary>Whether it was described by being configured, and goes with its release.</summary>
    public bool IsForOneStay { get; } = isForOneStay;

    /// <summary>What it shares with others.</summary>
    public HashSet<object> Keys { get; } = [];

    /// <summary>Its group; null before the groups were formed, and while it cannot be in any.</summary>
    public IommuGroup? Group { get; set; }

    /// <summary>Whether it is behind its units.</summary>
    public bool IsAttached => Device.Iommu is not null;
}
