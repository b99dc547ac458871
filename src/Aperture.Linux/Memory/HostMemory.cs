using System.Numerics;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Memory;

namespace Aperture.Linux.Memory;

/// <summary>Memory of this process for devices of the host. Physical addresses are addresses of this process: that is what the kernel maps
/// from, and it pins the pages for as long as a mapping lasts.</summary>
/// <remarks>Thread-safe. What is freed while a device can still reach it waits in quarantine until the last mapping has gone.</remarks>
public sealed unsafe partial class HostMemory : SystemMemory, IDisposable
{
    private const ulong ArenaBytes = 4 << 20; // small allocations come out of such pieces; the largest block of a zone

    private readonly Lock _lock = new();
    private readonly HugePages _huge;
    private HostRegion[] _regions = []; // by address; replaced whole, so that counting reads it without the lock

    /// <summary>Memory that is taken from the host when it is asked for.</summary>
    /// <param name="huge">Whether it comes in huge pages.</param>
    public HostMemory(HugePages huge = HugePages.Try) => _huge = huge;

    /// <inheritdoc/>
    public override PhysicalAddress HighestAddress => new(ulong.MaxValue >> 1);

    /// <summary>Bytes taken from the host.</summary>
    public ulong TotalBytes => Sum(_ => true);

    /// <summary>Bytes taken from the host that are in huge pages.</summary>
    public ulong HugeBytes => Sum(region => region.IsHuge);

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address) => Find(address.Value) is { } region && region.Range.Contains(address, 1);

    /// <inheritdoc/>
    public override bool Owns(PhysicalAddress address, ulong length)
    {
        // Region by region: two that the host put side by side are one piece of memory.
        while (Find(address.Value) is { } region && region.Range.Contains(address, 1))
        {
            var room = region.Range.Length - (address - region.Range.Start);
            if (length <= room)
                return true;
            address += room;
            length -= room;
        }

        return false;
    }

    /// <inheritdoc/>
    public override bool OwnsAny(PhysicalAddress address, ulong length) =>
        Find(address.Value) is { } region && region.Range.Overlaps(new MemoryRange(address, length));

    /// <inheritdoc/>
    public override bool TryGetAddress(byte* pointer, out PhysicalAddress address)
    {
        address = new PhysicalAddress((ulong)pointer);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryAllocate(int bytes, PhysicalAddress highest, out MemoryBlock block)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        var size = SizeOf(bytes);
        ulong address;
        lock (_lock)
        {
            if (size >= ArenaBytes ? !TryAllocateRegion((ulong)bytes, size, out address) : !TryAllocateBlock(size, out address))
            {
                block = default;
                return false;
            }
        }

        if (size < ArenaBytes)
            new Span<byte>((void*)address, (int)size).Clear();
        block = new MemoryBlock((byte*)address, new PhysicalAddress(address), bytes);
        return true;
    }

    /// <inheritdoc/>
    protected override void Release(MemoryBlock block)
    {
        lock (_lock)
        {
            if (Find(block.Address.Value) is not { } region || !region.Range.Contains(block.Address, 1))
                throw new ApertureException(Status.InvalidArgument,
                    $"memory at {block.Address} was not given out here and cannot be freed");
            var freed = new MemoryRange(block.Address, region.Zone is null ? region.Range.Length : SizeOf(block.Length));
            region.CountQuarantined(1); // first: from here on an unmap looks for what waits
            if (region.IsMapped(freed))
            {
                _quarantine.Add(freed);
                return;
            }

            region.CountQuarantined(-1);
            Release(region, freed);
        }
    }

    /// <summary>Gives everything back to the host. Pages that devices still reach stay with the kernel until their mappings go.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var region in _regions)
                region.Release();
            _regions = [];
            _quarantine.Clear();
        }
    }

    private static ulong SizeOf(int bytes) => BitOperations.RoundUpToPowerOf2(Math.Max(PhysicalMemory.PageSize, (ulong)bytes));

    private bool TryAllocateRegion(ulong bytes, ulong alignment, out ulong address)
    {
        var region = HostRegion.Create((bytes + PhysicalMemory.PageSize - 1) & ~(ulong)(PhysicalMemory.PageSize - 1), alignment, _huge);
        if (region is not null)
            Add(region);
        address = region?.Range.Start.Value ?? 0;
        return region is not null;
    }

    private bool TryAllocateBlock(ulong size, out ulong address)
    {
        var order = PageAllocator.OrderOf(size);
        foreach (var region in _regions)
        {
            if (region.Zone is not null && region.Zone.TryAllocate(order, ulong.MaxValue, out var page))
            {
                address = page * PhysicalMemory.PageSize;
                return true;
            }
        }

        address = 0;
        if (HostRegion.Create(ArenaBytes, ArenaBytes, _huge) is not { } arena)
            return false;
        arena.Divide();
        Add(arena);
        return TryAllocateBlock(size, out address);
    }

    private void Release(HostRegion region, MemoryRange range)
    {
        if (region.Zone is null)
            Remove(region);
        else
            region.Zone.Free(range.Start.Value / PhysicalMemory.PageSize, PageAllocator.OrderOf(range.Length));
    }

    private void Remove(HostRegion region)
    {
        Volatile.Write(ref _regions, [.. _regions.Where(other => other != region)]);
        region.Release();
    }

    private void Add(HostRegion region) => Volatile.Write(ref _regions, [.. _regions.Append(region).OrderBy(other => other.Range.Start)]);

    private ulong Sum(Func<HostRegion, bool> counts)
    {
        ulong sum = 0;
        foreach (var region in Volatile.Read(ref _regions))
            sum += counts(region) ? region.Range.Length : 0;
        return sum;
    }

    /// <summary>The first region that ends behind an address.</summary>
    private HostRegion? Find(ulong address)
    {
        var regions = Volatile.Read(ref _regions);
        int low = 0, high = regions.Length;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (regions[middle].Range.Last.Value < address)
                low = middle + 1;
            else
                high = middle;
        }

        return low < regions.Length ? regions[low] : null;
    }
}
