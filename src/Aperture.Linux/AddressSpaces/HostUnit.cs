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
    private readonly HostSpace _space;
    private readonly HostMemory _memory;
    private readonly DmaTrace? _trace;
    private readonly Lock _lock = new();            // guards everything below
    private readonly HashSet<Device> _masters = []; // those that are in the domain
    private HostDomain? _domain;                    // what is in force; null while nothing passes

    /// <summary>The unit of a group.</summary>
    /// <param name="space">The group's address space in the kernel.</param>
    /// <param name="kind">What is in front of the group; with <see cref="IommuKind.None"/> every map is refused and nothing blocks a
    /// device.</param>
    /// <param name="memory">The host's memory.</param>
    /// <param name="trace">Hears of maps and unmaps, or null.</param>
    public HostUnit(HostSpace space, IommuKind kind, HostMemory memory, DmaTrace? trace)
        : base(new Device(space.Name))
    {
        _space = space;
        _memory = memory;
        _trace = trace;
        Capabilities = new IommuCapabilities
        {
            PageSizes = space.PageSizes,
            ApertureStart = space.Ranges is [var first, ..] ? first.First : default,
            ApertureEnd = space.Ranges is [.., var last] ? last.Last : default,
            OutputBits = 64,
            HonouredProtection = HonouredBy(kind),
            CoherentWalks = true,
            CanBlock = kind != IommuKind.None,
        };
    }

    /// <inheritdoc/>
    public override IommuCapabilities Capabilities { get; }

    /// <summary>The group's address space in the kernel.</summary>
    public HostSpace Space => _space;

    /// <inheritdoc/>
    public override MasterGrouping Grouping => MasterGrouping.ByUnit;

    /// <inheritdoc/>
    /// <remarks>When the kernel does not remove the mappings, the group's devices are kept from memory (their bus mastering is off), and
    /// what the mappings lead to stays in quarantine, until it does or the group is closed.</remarks>
    public override Status RemoveMaster(Device master)
    {
        lock (_lock)
            return Remove(master);
    }

    /// <inheritdoc/>
    public override Status TryReprogram()
    {
        lock (_lock)
        {
            if (!NeedsReprogram)
                return Status.Ok;
            var status = _space.UnmapAll();
            if (status == Status.Ok)
                MarkReprogrammed();
            return status;
        }
    }

    /// <summary>The space has ended: its devices reach nothing by it.</summary>
    internal void EndSpace()
    {
        lock (_lock)
            MarkReprogrammed();
    }

    /// <inheritdoc/>
    protected override IommuDomain MakeDomain(in DomainRequest request)
    {
        var type = request.Type == DomainType.Unmanaged ? DomainType.Unmanaged : DomainType.Dma; // the kernel invalidates at every unmap
        return new HostDomain(type, _space, _memory, _trace);
    }

    /// <inheritdoc/>
    public override bool Accepts(IommuDomain domain) => domain is HostDomain;

    /// <inheritdoc/>
    public override Status Attach(in Attachment attachment)
    {
        lock (_lock)
            return attachment.Domain.Type == DomainType.Blocked ? Remove(attachment.Master) : Put(attachment.Master, attachment.Domain);
    }

    /// <inheritdoc/>
    /// <remarks>The kernel has done it when an unmap returns.</remarks>
    public override Status Invalidate(InvalidationTarget target, in InvalidationGather gather) => Status.Ok;

    /// <summary>Seen on emulated units: AMD's and virtio's tell reading from writing. Intel's reads what it may write under Linux 6.1 and
    /// 6.12, and does not under 7.2 and 7.3 on the same emulator: it is the kernel that writes other tables, so that no more is promised
    /// than holds on all of them. ARM's first stage cannot say that something may be written but not read. Nobody else has been looked
    /// at.</summary>
    private static Protection HonouredBy(IommuKind kind) => kind switch
    {
        IommuKind.None => Protection.None,
        IommuKind.Amd or IommuKind.Virtio => Protection.ReadWrite,
        _ => Protection.Write,
    };

    private Status Put(Device master, IommuDomain domain)
    {
        if (domain is not HostDomain wanted)
            return Status.InvalidArgument;
        if (wanted != _domain)
        {
            var status = LeaveDomain();
            if (status == Status.Ok)
                status = wanted.Join(_space);
            if (status != Status.Ok)
                return status;
            _domain = wanted;
            MarkReprogrammed(); // what was left in the space went before
        }

        _masters.Add(master);
        return Status.Ok;
    }

    private Status Remove(Device master)
    {
        _masters.Remove(master);
        return _masters.Count == 0 ? LeaveDomain() : Status.Ok;
    }

    private Status LeaveDomain()
    {
        var status = _domain?.Leave(_space) ?? Status.Ok;
        _domain = null;
        if (status != Status.Ok)
            ReportFailure(UnitOperation.Attach, status, $"the kernel did not remove the mappings of {_space.Name} ({status})");
        return status;
    }
}
