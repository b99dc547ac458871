namespace Aperture.Core.Memory;

/// <content>Contiguous-memory areas.</content>
public sealed partial class PageAllocator
{
    private readonly List<ContiguousArea> _areas = []; // in the order in which they were made

    /// <summary>The contiguous-memory areas, in the order in which they were made.</summary>
    public IReadOnlyList<ContiguousArea> Areas => _areas;

    /// <summary>Sets a range of RAM aside for contiguous allocations of any number of pages.</summary>
    /// <param name="name">What messages call it.</param>
    /// <param name="range">Whole pages of RAM, reserved when this allocator was made.</param>
    /// <exception cref="ApertureException">The range is misaligned, does not lie in RAM, holds pages that this allocator gives out,
    /// or overlaps another area.</exception>
    public ContiguousArea AddArea(string name, MemoryRange range)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (range.Length == 0 || !range.Start.IsAligned(PhysicalMemory.PageSize) || range.Length % PhysicalMemory.PageSize != 0)
            throw new ApertureException(Status.InvalidArgument,
                $"contiguous area '{name}' at {range.Start} of 0x{range.Length:x} bytes is not a whole number of pages");
        lock (_lock)
        {
            var zone = FindZone(range.Start, range.Length)
                ?? throw new ApertureException(Status.BadAddress, $"contiguous area '{name}' {range} does not lie in RAM");
            foreach (var other in _areas)
            {
                if (other.Range.Overlaps(range))
                    throw new ApertureException(Status.Busy, $"contiguous area '{name}' {range} overlaps '{other.Name}' {other.Range}");
            }

            for (var page = range.Start.Value / PhysicalMemory.PageSize; page <= range.Last.Value / PhysicalMemory.PageSize; page++)
            {
                if (zone.IsAnyFree(page, 0))
                    throw new ApertureException(
                        Status.Busy, $"contiguous area '{name}' {range} is not reserved at 0x{page * PhysicalMemory.PageSize:x}");
            }

            var area = new ContiguousArea(this, name, range);
            _areas.Add(area);
            return area;
        }
    }

    /// <summary>Counts an allocation of an area for <see cref="FailAllocation"/>.</summary>
    internal bool MustFailArea()
    {
        lock (_lock)
            return MustFail();
    }
}
