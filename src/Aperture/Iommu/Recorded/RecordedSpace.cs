using System.Collections.Immutable;
using Aperture.Core;
using Aperture.Core.Addresses;

namespace Aperture.Iommu.Recorded;

/// <summary>An address space whose tables are somebody else's, a kernel's or a hypervisor's: it is changed by calls, and what is mapped
/// cannot be looked up in it. One <see cref="RecordedDomain"/> at a time is in force there.</summary>
/// <remarks>The <c>...Core</c> methods are called for one change of a device address at a time; the other side orders the rest. What a
/// failed call may have left behind is remembered here: the memory behind it is not free before the space has said that everything is
/// gone, or has ended.</remarks>
public abstract class RecordedSpace : IDisposable
{
    private readonly Lock _lock = new();
    // What may be mapped although no domain says so.
    private readonly List<(RecordedDomain Domain, RecordedMapping Mapping)> _leftovers = [];


    /// <summary>The space's name, for messages.</summary>
    public abstract string Name { get; }

    /// <summary>Page sizes, one bit each.</summary>
    public abstract ulong PageSizes { get; }

    /// <summary>The device addresses that can be mapped, lowest first and none twice: what the unit can express without what the platform
    /// reserved, like the window of message-signalled interrupts. An empty list is a space in which nothing can be mapped.</summary>
    public abstract ImmutableArray<IovaRange> Ranges { get; }

    /// <summary>Whether mappings of a domain that is in force no more may still be reachable, because the space did not remove them when
    /// it was asked to.</summary>
    public bool HasLeftovers
    {
        get
        {
            lock (_lock)
                return _leftovers.Count > 0;
        }
    }

    /// <summary>Makes memory reachable. All or nothing.</summary>
    /// <param name="iova">The device address, at a page.</param>
    /// <param name="address">The memory, at a page.</param>
    /// <param name="size">Bytes, whole pages.</param>
    /// <param name="protection">Which of <see cref="Protection.Read"/> and <see cref="Protection.Write"/> the device may, at least
    /// one.</param>
    public Status Map(Iova iova, PhysicalAddress address, ulong size, Protection protection) => MapCore(iova, address, size, protection);

    /// <summary>Removes the mappings that fill a range; none may be cut by its ends. When it returns <see cref="Status.Ok"/> no access
    /// reaches them.</summary>
    /// <returns><see cref="Status.NotFound"/>: they did not fill it, and what was there is gone.</returns>
    public Status Unmap(Iova iova, ulong size) => UnmapCore(iova, size);

    /// <summary>Removes everything: the devices reach nothing afterwards, unless this fails.</summary>
    public Status UnmapAll()
    {
        var status = UnmapAllCore();
        if (status == Status.Ok)
            ReleaseLeftovers();
        return status;
    }

    /// <summary>Ends the space: the devices reach nothing afterwards.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
        ReleaseLeftovers();
    }

    /// <summary>Remembers a mapping that may be there although its domain has it no more.</summary>
    internal void AddLeftover(RecordedDomain domain, in RecordedMapping mapping)
    {
        domain.Hold(mapping);
        lock (_lock)
            _leftovers.Add((domain, mapping));
    }

    /// <inheritdoc cref="Map"/>
    protected abstract Status MapCore(Iova iova, PhysicalAddress address, ulong size, Protection protection);

    /// <inheritdoc cref="Unmap"/>
    protected abstract Status UnmapCore(Iova iova, ulong size);

    /// <inheritdoc cref="UnmapAll"/>
    protected abstract Status UnmapAllCore();

    /// <summary>Ends the space.</summary>
    protected abstract void Dispose(bool disposing);

    private void ReleaseLeftovers()
    {
        (RecordedDomain Domain, RecordedMapping Mapping)[] gone;
        lock (_lock)
        {
            gone = [.. _leftovers];
            _leftovers.Clear();
        }

        foreach (var (domain, mapping) in gone)
            domain.Release(mapping);
    }
}
