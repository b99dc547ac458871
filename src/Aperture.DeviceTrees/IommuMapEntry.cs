using System.Collections.Immutable;

namespace Aperture.DeviceTrees;

/// <summary>An entry of <c>iommu-map</c>: a run of ids on a bus, and what they are on a unit.</summary>
/// <param name="FirstId">The first id on the bus, after the mask.</param>
/// <param name="Phandle">The unit's phandle as written.</param>
/// <param name="Unit">The unit; null when no node has that phandle.</param>
/// <param name="Arguments">What <paramref name="FirstId"/> is on the unit: as many arguments as its <c>#iommu-cells</c> asks for, of
/// which the first grows with the id.</param>
/// <param name="Count">How many ids.</param>
public readonly record struct IommuMapEntry(uint FirstId, uint Phandle, DeviceTreeNode? Unit, ImmutableArray<uint> Arguments, uint Count)
{
    /// <summary>Whether it was written as older trees have it: with one argument, although the unit asks for another number.</summary>
    public bool IsOlderForm { get; init; }

    /// <summary>Whether an id, after the mask, is in the run.</summary>
    public bool Contains(uint id) => id >= FirstId && id - FirstId < Count;

    /// <summary>What an id of the run is on the unit.</summary>
    public ImmutableArray<uint> ArgumentsOf(uint id) =>
        Arguments.IsEmpty ? Arguments : Arguments.SetItem(0, Arguments[0] + (id - FirstId));
}
