using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma.Bounce;
using Aperture.Dma.Memory;

namespace Aperture.Boards;

// The reserved regions that are pools of devices.
public sealed partial class Machine
{
    private const ulong MaxPool = 1UL << 30; // a block of memory is addressed by an int

    // made when the first device refers to them
    private readonly Dictionary<DeviceTreeNode, (PoolKind Kind, SystemMemory? Memory, BouncePool? Bounce)?> _pools = [];

    /// <summary>The first of a node's regions that is a pool of a kind.</summary>
    private (SystemMemory? Memory, BouncePool? Bounce)? PoolOf(DeviceTreeNode node, PoolKind kind)
    {
        foreach (var reference in node.MemoryRegions())
        {
            if (reference.Target is { IsEnabled: true } region && PoolIn(region) is { } pool && pool.Kind == kind)
                return (pool.Memory, pool.Bounce);
        }

        return null;
    }

    /// <summary>What a device allocates coherent memory from: its pools, of which a remote processor has several.</summary>
    private SystemMemory? CoherentPoolOf(DeviceTreeNode node)
    {
        SystemMemory[] pools =
        [
            .. node.MemoryRegions().Select(reference => reference.Target).Where(region => region is { IsEnabled: true }).Distinct()
                .Select(region => PoolIn(region!)).Where(pool => pool is { Kind: PoolKind.Coherent }).Select(pool => pool!.Value.Memory!),
        ];
        return pools.Length switch { 0 => null, 1 => pools[0], _ => new PrioritisedMemory(pools) };
    }

    /// <summary>All regions that a node refers to, in order.</summary>
    private List<DeviceRegion> RegionsOf(DeviceTreeNode node)
    {
        var regions = new List<DeviceRegion>();
        foreach (var reference in node.MemoryRegions())
        {
            var range = default(MemoryRange);
            SystemMemory? pool = null;
            MemoryBlock? memory = null;
            if (reference.Target is { IsEnabled: true } target)
            {
                if (!_reservedAt.TryGetValue(target.Path, out range))
                    range = DeviceTree.ReservedRange(target); // outside RAM
                pool = PoolIn(target)?.Memory;
                memory = BlockAt(range);
            }

            regions.Add(new DeviceRegion(regions.Count, reference.Name ?? "", range, memory, pool));
        }

        return regions;
    }

    private unsafe MemoryBlock? BlockAt(MemoryRange range) =>
        range.Length is > 0 and <= int.MaxValue && Memory.TryGetPointer(range.Start, range.Length, out var pointer)
            ? new MemoryBlock(pointer, range.Start, (int)range.Length) : null;

    private (PoolKind Kind, SystemMemory? Memory, BouncePool? Bounce)? PoolIn(DeviceTreeNode region)
    {
        if (!_pools.TryGetValue(region, out var pool))
            _pools.Add(region, pool = MakePool(region));
        return pool;
    }

    private unsafe (PoolKind Kind, SystemMemory? Memory, BouncePool? Bounce)? MakePool(DeviceTreeNode region)
    {
        if (_reservedAt.GetValueOrDefault(region.Path) is not { Length: > 0 and <= MaxPool } range
            || !Memory.TryGetPointer(range.Start, range.Length, out var pointer))
            return null;
        var block = new MemoryBlock(pointer, range.Start, (int)range.Length);
        if (region.IsCompatible("restricted-dma-pool"))
            return range.Length >= BouncePool.MaxMapping ? (PoolKind.Bounce, null, new BouncePool(_driverMemory, block)) : null;
        if (!region.IsCompatible("shared-dma-pool"))
            return null;
        if (region.Has("reusable") && AreaAt(range) is { } area)
            return (PoolKind.Contiguous, area, null);
        return (PoolKind.Coherent, new DmaPool(_driverMemory, block, region.Path), null);
    }

    /// <summary>The area that the tree makes the default for contiguous allocations (<c>linux,cma-default</c>), or null.</summary>
    private AreaMemory? DefaultArea()
    {
        foreach (var region in Tree.ReservedMemory())
        {
            if (region.Node.IsEnabled && region.IsSharedDmaPool && region.IsReusable && region.Node.Has("linux,cma-default")
                && _reservedAt.TryGetValue(region.Node.Path, out var range))
                return AreaAt(range);
        }

        return null;
    }

    /// <summary>The pool that the tree makes the default for coherent memory (<c>linux,dma-default</c>), or null.</summary>
    private SystemMemory? DefaultPool()
    {
        foreach (var region in Tree.ReservedMemory())
        {
            if (region.Node.IsEnabled && region.IsSharedDmaPool && !region.IsReusable && region.Node.Has("linux,dma-default"))
                return PoolIn(region.Node)?.Memory;
        }

        return null;
    }

    private AreaMemory? AreaAt(MemoryRange range) =>
        Pages.Areas.FirstOrDefault(area => area.Range == range) is { } area ? new AreaMemory(_driverMemory, Memory, area) : null;
}
