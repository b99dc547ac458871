using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Tests.Fakes;

/// <summary>A unit with one cell of stream id below 16, that records what it is told and fails when asked to.</summary>
internal sealed class FakeUnit(Device device, bool canBlock = true, bool canBypass = true) : IommuUnit(device)
{
    private int _attaches;

    public override IommuCapabilities Capabilities { get; } = new()
    {
        PageSizes = 0x1000,
        ApertureEnd = new Iova(uint.MaxValue),
        OutputBits = 32,
        CanBlock = canBlock,
        CanBypass = canBypass,
    };

    public override int SpecifierCells => 1;

    /// <summary>Masters' groups; null puts each into its own.</summary>
    public Func<Device, object?> Key { get; set; } = _ => null;

    /// <summary>Where each master is, by name and stream.</summary>
    public Dictionary<(string Master, uint Stream), IommuDomain> Current { get; } = [];

    public List<FakeDomain> Domains { get; } = [];

    public List<Device> Masters { get; } = [];

    /// <summary>Invalidations, with the domain and the first range.</summary>
    public List<(IommuDomain Domain, GatheredRange Range)> Invalidations { get; } = [];

    /// <summary>Which call of <see cref="Attach"/> fails, from 1; 0 for none.</summary>
    public int FailAttach { get; set; }

    /// <summary>Whether that call throws, as a driver does whose register access is not answered.</summary>
    public bool Throws { get; set; }

    public bool FailCreate { get; set; }

    public bool AcceptsNothing { get; set; }

    /// <summary>The lowest device address of domains that are made from now on.</summary>
    public Iova ApertureStart { get; set; }

    /// <summary>The highest.</summary>
    public Iova ApertureEnd { get; set; } = new(uint.MaxValue);

    public bool FailAddMaster { get; set; }

    public void CountFrom(int failAttach)
    {
        _attaches = 0;
        FailAttach = failAttach;
    }

    public override Status Translate(ReadOnlySpan<uint> cells, out StreamId stream)
    {
        stream = default;
        if (cells.Length != 1)
            return Status.InvalidArgument;
        stream = new StreamId(cells[0]);
        return cells[0] < 16 ? Status.Ok : Status.OutOfRange;
    }

    /// <summary>Its rule, where it is not that of <see cref="Key"/>.</summary>
    public MasterGrouping? GroupedBy { get; init; }

    public override MasterGrouping Grouping => GroupedBy ?? new KeyGrouping(this);

    public override void AddMaster(Device master)
    {
        if (FailAddMaster)
            throw new ApertureException(Status.NoSpace, $"{Name} takes no more masters");
        Masters.Add(master);
    }

    /// <summary>What becomes of a master's leave.</summary>
    public Func<Device, Status>? OnRemove { get; set; }

    public override Status RemoveMaster(Device master)
    {
        Masters.Remove(master);
        foreach (var key in Current.Keys.Where(key => key.Master == master.Name).ToArray())
            Current.Remove(key);
        return OnRemove?.Invoke(master) ?? Status.Ok;
    }

    public override bool Accepts(IommuDomain domain) => !AcceptsNothing && domain is FakeDomain;

    protected override IommuDomain MakeDomain(in DomainRequest request)
    {
        if (FailCreate)
            throw new ApertureException(Status.NoMemory, $"{Name} has no memory for a table");
        var domain = new FakeDomain(request.Type, ApertureStart, ApertureEnd.Value);
        Domains.Add(domain);
        return domain;
    }

    public override Status Attach(in Attachment attachment)
    {
        if (++_attaches == FailAttach)
            return Throws ? throw new ApertureException(Status.IoError, $"{Name} does not answer") : Status.TimedOut;
        foreach (var stream in attachment.Streams)
            Current[(attachment.Master.Name, stream.Value)] = attachment.Domain;
        OnAttach?.Invoke(attachment.Domain);
        return Status.Ok;
    }

    /// <summary>The pages that a test says the unit has seen, until an invalidation covers them; null where nobody asks.</summary>
    public HashSet<ulong>? Remembered { get; set; }

    /// <summary>Called when a master has come into a domain.</summary>
    public Action<IommuDomain>? OnAttach { get; set; }

    /// <summary>Called with each invalidation; what it answers is the answer.</summary>
    public Func<IommuDomain, Status>? OnInvalidate { get; set; }

    public override Status Invalidate(InvalidationTarget target, in InvalidationGather gather)
    {
        Invalidations.Add((target.Domain, gather.AsSpan()[0]));
        var status = OnInvalidate?.Invoke(target.Domain) ?? Status.Ok;
        if (status != Status.Ok)
            MarkForReprogram();
        else
            Forget(gather);
        return status;
    }

    public override Status TryReprogram()
    {
        MarkReprogrammed();
        Remembered?.Clear();
        return Status.Ok;
    }

    private void Forget(in InvalidationGather gather)
    {
        if (Remembered is null)
            return; // the closure below would be made for nothing, and seen by tests of what is allocated
        foreach (var range in gather.AsSpan())
            Remembered.RemoveWhere(page => page >= range.Start.Value >> 12 && page <= (range.Start.Value + (range.Length - 1)) >> 12);
    }

    private sealed class KeyGrouping(FakeUnit unit) : MasterGrouping
    {
        public override IEnumerable<object> KeysOf(Device master, IommuSpecifier reference) =>
            unit.Key(master) is { } key ? [key] : [new StreamKey(reference)];
    }
}
