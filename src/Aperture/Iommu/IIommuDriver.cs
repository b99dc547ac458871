using Aperture.Devices;

namespace Aperture.Iommu;

/// <summary>A driver of IOMMUs. It tells of its units before it is bound to any.</summary>
public interface IIommuDriver : IDriver
{
    /// <summary>Which masters a unit cannot tell apart; the same as <see cref="IommuUnit.Grouping"/> of the unit that a probe
    /// makes.</summary>
    /// <param name="unit">The unit's device, which may not be bound yet. Only its description may be looked at.</param>
    MasterGrouping GroupingOf(Device unit);
}
