using System.Collections.Immutable;
using System.Numerics;
using Aperture.Core;
using Aperture.Core.Addresses;
using Aperture.Diagnostics;

namespace Aperture.Iommu.Recorded;

/// <summary>A domain whose tables are somebody else's: VFIO's type1, iommufd, virtio-iommu, a hypervisor's tables by hypercall. What is
/// mapped is recorded here and sent as calls to each space where the domain is in force: such a space takes mappings away as it was given
/// them, does not cut them, cannot be asked what a device address leads to, and is told all of them when the domain comes into force
/// there.</summary>
/// <remarks>
/// <para>The units invalidate by themselves before a call returns, so that nothing is gathered.</para>
/// <para>A call that fails leaves behind what the other side made of it. The domain never says that a mapping is gone while a space may
/// still have it: either it stays recorded, or the space remembers it (<see cref="RecordedSpace.HasLeftovers"/>). <see cref="Hold"/> and
/// <see cref="Release"/> tell a subclass how long memory is reachable.</para>
/// </remarks>
public abstract partial class RecordedDomain : IommuDomain
{
    private readonly Lock _lock = new();            // guards everything below; spaces have one lock each as well
    private readonly MappingTree _mappings = new();
    private readonly HashSet<RecordedSpace> _uneven = []; // where mappings that are recorded may be missing, after a failure
    private readonly ulong _page;                   // smallest page, in bytes
    private readonly DmaTrace? _trace;              // null when nobody listens
    private RecordedSpace[] _spaces = [];           // where the domain is in force
    private ImmutableArray<IovaRange> _ranges;      // what all of them can map
    private string _lastSpace = "";                 // where a call failed last, for messages

    /// <summary>An empty address space.</summary>
    /// <param name="type"><see cref="DomainType.Unmanaged"/> or <see cref="DomainType.Dma"/>.</param>
    /// <param name="like">A space like those where it will be in force.</param>
    /// <param name="trace">Hears of maps and unmaps, or null.</param>
    protected RecordedDomain(DomainType type, RecordedSpace like, DmaTrace? trace)
        : base(type)
    {
        ArgumentNullException.ThrowIfNull(like);
        PageSizes = like.PageSizes;
        _ranges = like.Ranges;
        _page = 1UL << BitOperations.TrailingZeroCount(like.PageSizes);
        _trace = trace;
    }

    /// <inheritdoc/>
    public override bool IsPaging => true;

    /// <inheritdoc/>
    public override ulong PageSizes { get; }

    /// <inheritdoc/>
    /// <remarks>Zero in a domain in which nothing can be mapped.</remarks>
    public override Iova ApertureStart => _ranges is [var first, ..] ? first.First : default;

    /// <inheritdoc/>
    /// <remarks>Zero in a domain in which nothing can be mapped.</remarks>
    public override Iova ApertureEnd => _ranges is [.., var last] ? last.Last : default;

    /// <inheritdoc/>
    /// <remarks>One for each range that all spaces of the domain can map.</remarks>
    public override IReadOnlyList<ApertureWindow> Windows =>
        [.. _ranges.Select(range => new ApertureWindow(range.First, range.Last, PageSizes))];

    /// <inheritdoc/>
    public override IEnumerable<(Iova First, Iova Last)> ReservedRanges
    {
        get
        {
            foreach (var kept in base.ReservedRanges)
                yield return kept;
            var ranges = _ranges;
            for (var i = 1; i < ranges.Length; i++)
                yield return (ranges[i - 1].Last + 1, ranges[i].First - 1);
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
    /// <returns><see cref="Status.OutOfRange"/>: something is mapped where the space cannot map, or no device address is left that all
    /// spaces of the domain can map; or what the space says. <see cref="Explain"/> tells more. The domain is not in force there
    /// then.</returns>
    public Status Join(RecordedSpace space)
    {
        ArgumentNullException.ThrowIfNull(space);
        lock (_lock)
        {
            _lastSpace = space.Name;
            if (space.HasLeftovers && space.UnmapAll() is not Status.Ok and var stuck)
                return stuck;
            ImmutableArray<IovaRange> ranges = [.. IovaRange.Intersect(_spaces.Length == 0 ? space.Ranges : _ranges, space.Ranges)];
            if (ranges.IsEmpty)
                return Status.OutOfRange;
            if (MapAll(space, ranges) is not Status.Ok and var status)
                return status;
            _ranges = ranges;
            _spaces = [.. _spaces, space];
            NarrowSpace();
            AssertInvariants();
            return Status.Ok;
        }
    }

    /// <summary>Takes the domain out of a space: its devices reach nothing afterwards.</summary>
    /// <returns>What the space says when it does not remove the mappings: then its devices may still reach the memory. The domain is not
    /// in force there all the same; the memory stays held until the space has removed the mappings or has ended.</returns>
    public Status Leave(RecordedSpace space)
    {
        ArgumentNullException.ThrowIfNull(space);
        lock (_lock)
        {
            if (!_spaces.Contains(space))
                return Status.Ok;
            _spaces = [.. _spaces.Where(other => other != space)];
            _uneven.Remove(space);
            AssertInvariants();
            var status = space.UnmapAll();
            if (status == Status.Ok)
                return status;
            _lastSpace = space.Name;
            foreach (var mapping in _mappings)
                space.AddLeftover(this, mapping);
            return status;
        }
    }

    /// <inheritdoc/>
    public override string? Explain(Status status) => status switch
    {
        Status.OutOfRange when _ranges.IsEmpty => $"{Where} can map no device address at all",
        Status.OutOfRange => $"{Where} maps {string.Join(", ", _ranges)} only",
        Status.AlreadyExists => "something is mapped there already",
        Status.InvalidArgument => $"addresses and sizes must be multiples of 0x{_page:x}, and a right is needed",
        _ => null,
    };

    /// <summary>The space where a call failed last, for messages.</summary>
    protected string Where => _lastSpace.Length == 0 ? "the IOMMU" : _lastSpace;

    /// <summary>A mapping has been made: from here on devices may reach the memory. As many calls of <see cref="Release"/> follow. Called
    /// with the domain's lock held.</summary>
    protected internal virtual void Hold(in RecordedMapping mapping)
    {
    }

    /// <summary>A mapping is gone: by it no device reaches the memory. May be called after the domain was disposed, and from any
    /// thread.</summary>
    protected internal virtual void Release(in RecordedMapping mapping)
    {
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

    private Status MapAll(RecordedSpace space, ImmutableArray<IovaRange> ranges)
    {
        var done = 0;
        foreach (var mapping in _mappings)
        {
            var status = IsInside(ranges, mapping.Start, mapping.Size) ? MapIn(space, mapping) : Status.OutOfRange;
            if (status == Status.Ok)
            {
                done++;
                continue;
            }

            if (space.UnmapAll() != Status.Ok)
            {
                foreach (var left in _mappings)
                {
                    if (done-- == 0)
                        break;
                    space.AddLeftover(this, left);
                }
            }

            return status;
        }

        return Status.Ok;
    }
}
