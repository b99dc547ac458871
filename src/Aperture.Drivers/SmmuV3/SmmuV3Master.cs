using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>A master on one unit: where it is, and where its processes are.</summary>
/// <param name="device">The master.</param>
/// <param name="streams">Its streams.</param>
internal sealed class SmmuV3Master(Device device, StreamId[] streams)
{
    /// <summary>The master.</summary>
    public Device Device => device;

    /// <summary>Its streams.</summary>
    public StreamId[] Streams => streams;

    /// <summary>Where what comes without a process is: null for nowhere, else the identity domain or one with tables.</summary>
    public IommuDomain? Domain { get; set; }

    /// <summary>Where its processes are.</summary>
    public Dictionary<Pasid, IommuDomain> Processes { get; } = [];

    /// <summary>The context descriptors by process; null while there is none.</summary>
    public SmmuV3ContextTable? Table { get; set; }

    /// <summary>Whether its faults wait for software.</summary>
    public bool Stalls { get; init; }

    /// <summary>Whether it can keep translations of its own.</summary>
    public bool HasAts { get; set; }

    /// <summary>Whether it may do so now.</summary>
    public bool IsAtsOn { get; set; }

    /// <summary>Whether one of its streams has this number.</summary>
    public bool Has(uint stream)
    {
        foreach (var own in streams)
        {
            if (own.Value == stream)
                return true;
        }

        return false;
    }

    /// <summary>Whether it, or one of its processes, is in a domain, or in one that is nested over it.</summary>
    public bool Uses(IommuDomain domain) => Domain == domain || Processes.ContainsValue(domain)
        || (Domain is SmmuV3NestedDomain nested && nested.Parent == domain);

    /// <summary>The domain of an access. A guest has its processes in its own tables.</summary>
    public IommuDomain? DomainOf(uint? substream) =>
        substream is { } ssid && Processes.TryGetValue(new Pasid(ssid), out var domain) ? domain
        : substream is null || Domain is SmmuV3NestedDomain ? Domain : null;
}
