using Aperture.Core.Memory;
using Aperture.DeviceTrees;

namespace Aperture.Boards;

// RAM and what is kept out of it.
public sealed partial class Machine
{
    private readonly MemoryPlan _plan;
    private readonly Dictionary<string, MemoryRange> _reservedAt = []; // where each region lies, by its node's path; the first range of it

    /// <summary>Whether the tree leaves it to a boot loader how much RAM there is, so that <see cref="MachineOptions.FallbackMemory"/>
    /// stands in.</summary>
    public bool HasStandInMemory => _plan.IsStandIn;

    /// <summary>The reserved regions that are not to be had, and why. Devices that refer to one wait for it; the others do not
    /// care.</summary>
    public IReadOnlyDictionary<DeviceTreeNode, string> MissingRegions => _plan.Missing;

    private PageAllocator PagesOf(PhysicalMemory memory)
    {
        var pages = new PageAllocator(memory, [.. _plan.Reserved.Select(entry => entry.Region)]);
        foreach (var pool in _plan.Reserved.Where(entry => entry.IsPool))
            pages.AddArea(pool.Region.Name, pool.Region.Range);
        foreach (var entry in _plan.Reserved)
            _reservedAt.TryAdd(entry.Region.Name, entry.Region.Range);
        return pages;
    }
}
