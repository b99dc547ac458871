using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Units;

/// <summary>A master in a domain, on one unit.</summary>
/// <param name="master">The master.</param>
/// <param name="streams">Its streams on the unit.</param>
/// <param name="domain">The domain.</param>
public sealed class UnitAttachment(Device master, StreamId[] streams, IommuDomain domain)
{
    /// <summary>The master.</summary>
    public Device Master => master;

    /// <summary>Its streams on the unit.</summary>
    public IReadOnlyList<StreamId> Streams => streams;

    /// <summary>The domain.</summary>
    public IommuDomain Domain => domain;

    /// <summary>The number of its context on the unit, or <see cref="InvalidationTarget.NoTag"/>; the driver's to set.</summary>
    public int Context { get; set; } = InvalidationTarget.NoTag;

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
}
