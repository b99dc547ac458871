using System.Collections.Immutable;
using System.Numerics;
using Aperture.Core;
using Aperture.Diagnostics;
using Aperture.Iommu;
using Aperture.Linux.Memory;

namespace Aperture.Linux.AddressSpaces;

/// <summary>A domain whose tables the kernel keeps. Physical addresses are addresses of this process. What is mapped is known here, too: the
/// kernel takes mappings away as it was given them, does not cut them, and is told all of them again when a group comes.</summary>
internal sealed partial class HostDomain : IommuDomain
{
    private readonly Lock _lock = new();            // guards everything below; the kernel has one lock for each space as well
    private readonly MappingTree _mappings = new();
    private readonly HostMemory _memory;            // counts what is mapped, so that nothing is freed while devices reach it
    private readonly ulong _page;                   // smallest page, in bytes
    private readonly DmaTrace? _trace;              // null when nobody listens
    private IHostSpace[] _spaces = [];              // where the domain is in force
    private ImmutableArray<IovaRange> _ranges;      // what all of them can map
    private string _lastSpace = "";                 // where a map failed last, for messages

    /// <summary>An empty address space.</summary>
    /// <param name="type"><see cref="DomainType.Unmanaged"/> or <see cref="DomainType.Dma"/>.</param>
    /// <param name="like">A space like those where it will be in force.</param>
    /// <param name="memory">The host's memory.</param>
    /// <param name="trace">Hears of maps and unmaps, or null.</param>
    public HostDomain(DomainType type, IHostSpace like, HostMemory memory, DmaTrace? trace)
        : base(type)
    {
        PageSizes = like.PageSizes;
        _ranges = like.Ranges;
        _page = 1UL << BitOperations.TrailingZeroCount(like.PageSizes);
        _memory = memory;
        _trace = trace;
    }

    /// <inheritdoc/>
    public override bool IsPaging => true;

    /// <inheritdoc/>
    public override ulong PageSizes { get; }

    /// <inheritdoc/>
    public override Iova ApertureStart => _ranges[0].First;

    /// <inheritdoc/>
    public override Iova ApertureEnd => _ranges[^1].Last;

    /// <inheritdoc/>
    public override IEnumerable<(Iova First, Iova Last)> ReservedRanges
    {
        get
        {
            for (var i = 1; i < _ranges.Length; i++)
                yield return (_ranges[i - 1].Last + 1, _ranges[i].First - 1);
        }
    }

    /// <summary>Number of mappings.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _mappings.Count;
        }
    }

    /// <inheritdoc/>
    public override bool TryTranslate(Iova iova, out PhysicalAddress address)
    {
        lock (_lock)
        {
            var isMapped = _mappings.TryFind(iova.Value, out var mapping) && mapping.Start <= iova.Value;
            address = isMapped ? new PhysicalAddress(mapping.Address + (iova.Value - mapping.Start)) : default;
            return isMapped;
        }
    }

    /// <summary>Puts the domain in force in a space: everything is mapped there, or nothing.</summary>
    /// <returns><see cref="Status.OutOfRange"/>: something is mapped where the space cannot map; or what the kernel says.</returns>
    public Status Join(IHostSpace space)
    {
        lock (_lock)
        {
            ImmutableArray<IovaRange> ranges = [.. IovaRange.Intersect(_spaces.Length == 0 ? space.Ranges : _ranges, space.Ranges)];
            for (ulong from = 0; _mappings.TryFind(from, out var mapping); from = mapping.Last + 1)
            {
                var status = IsInside(ranges, mapping.Start, mapping.Size) ? space.Map(new Iova(mapping.Start), mapping.Address, mapping.Size, mapping.Protection) : Status.OutOfRange;
                if (status != Status.Ok)
                {
                    space.UnmapAll();
                    _lastSpace = space.Name;
                    return status;
                }

                if (mapping.Last == ulong.MaxValue)
                    break;
            }

            _ranges = ranges;
            _spaces = [.. _spaces, space];
            NarrowSpace();
            return Status.Ok;
        }
    }

    /// <summary>Takes the domain out of a space: its devices reach nothing afterwards.</summary>
    public void Leave(IHostSpace space)
    {
        lock (_lock)
        {
            _spaces = [.. _spaces.Where(other => other != space)];
            var status = space.UnmapAll();
            if (status != Status.Ok)
                throw new ApertureException(status, $"the mappings of {space.Name} could not be removed ({status}): its devices may still reach memory");
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        lock (_lock)
        {
            while (_mappings.TryFind(0, out var mapping))
                Forget(mapping);
        }
    }

    private static bool IsInside(ImmutableArray<IovaRange> ranges, ulong start, ulong size)
    {
        foreach (var range in ranges)
        {
            if (range.Contains(new Iova(start), size))
                return true;
        }

        return false;
    }
}
