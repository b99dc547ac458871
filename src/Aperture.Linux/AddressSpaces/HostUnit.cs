using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Diagnostics;
using Aperture.Iommu;
using Aperture.Linux.Hosts;
using Aperture.Linux.Memory;

namespace Aperture.Linux.AddressSpaces;

/// <summary>The kernel's IOMMU as seen by one group: its masters cannot be told apart and are always in the same domain.</summary>
internal sealed class HostUnit : IommuUnit
{
    private readonly IHostSpace _space;
    private readonly HostMemory _memory;
    private readonly DmaTrace? _trace;
    private readonly HashSet<Device> _masters = []; // those that are in the domain; the core holds the group's lock
    private HostDomain? _domain;                    // what is in force; null while nothing passes

    /// <summary>The unit of a group.</summary>
    /// <param name="space">The group's address space in the kernel.</param>
    /// <param name="kind">What is in front of the group; with <see cref="IommuKind.None"/> every map is refused and nothing blocks a device.</param>
    /// <param name="memory">The host's memory.</param>
    /// <param name="trace">Hears of maps and unmaps, or null.</param>
    public HostUnit(IHostSpace space, IommuKind kind, HostMemory memory, DmaTrace? trace)
        : base(new Device(space.Name))
    {
        _space = space;
        _memory = memory;
        _trace = trace;
        Capabilities = new IommuCapabilities
        {
            PageSizes = space.PageSizes,
            ApertureStart = space.Ranges[0].First,
            ApertureEnd = space.Ranges[^1].Last,
            OutputBits = 64,
            HonouredProtection = HonouredBy(kind),
            CoherentWalks = true,
            CanBlock = kind != IommuKind.None,
        };
    }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    /// <summary>The group's address space in the kernel.</summary>
    public IHostSpace Space => _space;

    /// <inheritdoc/>
    public override MasterGrouping Grouping => MasterGrouping.ByUnit;

    /// <inheritdoc/>
    public override void RemoveMaster(Device master) => Remove(master);

    /// <inheritdoc/>
    public override IommuDomain CreateDomain(DomainType type) =>
        new HostDomain(type == DomainType.Unmanaged ? type : DomainType.Dma, _space, _memory, _trace); // the kernel invalidates at every unmap

    /// <inheritdoc/>
    public override Status Attach(Device master, ReadOnlySpan<StreamId> streams, IommuDomain domain)
    {
        if (domain.Type == DomainType.Blocked)
        {
            Remove(master);
            return Status.Ok;
        }

        if (domain is not HostDomain wanted)
            return Status.InvalidArgument;
        if (wanted != _domain)
        {
            LeaveDomain();
            var status = wanted.Join(_space);
            if (status != Status.Ok)
                return status;
            _domain = wanted;
        }

        _masters.Add(master);
        return Status.Ok;
    }

    /// <inheritdoc/>
    public override void Invalidate(IommuDomain domain, in InvalidationGather gather)
    {
        // The kernel has done it when an unmap returns.
    }

    /// <summary>Seen on Linux 6.1 and 6.12: AMD's and virtio's tell reading from writing; Intel's, as QEMU 7.2 emulates it, reads what it may write. ARM's first
    /// stage cannot say that something may be written but not read. Nobody else has been looked at.</summary>
    private static Protection HonouredBy(IommuKind kind) => kind switch
    {
        IommuKind.None => Protection.None,
        IommuKind.Amd or IommuKind.Virtio => Protection.ReadWrite,
        _ => Protection.Write,
    };

    private void Remove(Device master)
    {
        _masters.Remove(master);
        if (_masters.Count == 0)
            LeaveDomain();
    }

    private void LeaveDomain()
    {
        _domain?.Leave(_space);
        _domain = null;
    }
}
