using Aperture.Core;

namespace Aperture.Iommu;

/// <summary>Page tables that somebody else keeps, a process for instance, in a format that a unit can walk.</summary>
public interface ISharedTables
{
    /// <summary>The first table.</summary>
    PhysicalAddress Root { get; }

    /// <summary>What the unit's driver must know of the format, for example an <c>ArmLpaeFormat</c>.</summary>
    object Format { get; }
}
