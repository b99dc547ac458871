using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Tests.Fakes;

/// <summary>A unit that offers what no real one here does yet: PASIDs, page requests, nested and shared domains, dirty tracking.</summary>
internal sealed class RichUnit(Device device, ITableMemory tables) : IommuUnit(device)
{
    public override IommuCapabilities Capabilities { get; } = new()
    {
        PageSizes = ArmLpaeOptions.Granule4K,
        ApertureEnd = new Iova((1UL << 39) - 1),
        OutputBits = 40,
        CanBlock = true,
        CanBypass = true,
        Pasids = 16,
        Stages = TranslationStages.First | TranslationStages.Second,
        Nesting = true,
        SharedTables = true,
        PageRequests = true,
        DirtyTracking = true,
    };

    public override int SpecifierCells => 1;

    /// <summary>Where each stream is, by PASID; 0 for what comes without.</summary>
    public Dictionary<(uint Stream, uint Pasid), IommuDomain> Current { get; } = [];

    public List<Attachment> Attachments { get; } = [];

    public List<PageResponse> Responses { get; } = [];

    public List<(IommuDomain Domain, GatheredRange Range)> Invalidations { get; } = [];

    /// <summary>The domains of which account is kept.</summary>
    public HashSet<IommuDomain> Tracked { get; } = [];

    /// <summary>Gives domains windows instead of one aperture; null for that.</summary>
    public Func<(ApertureWindow Window, ArmLpaeFormat Format)[]>? MakesWindows { get; init; }

    /// <summary>Which attachment of a process fails, from 1; 0 for none.</summary>
    public int FailPasid { get; set; }

    public override Status Translate(ReadOnlySpan<uint> cells, out StreamId stream)
    {
        stream = new StreamId(cells[0]);
        return Status.Ok;
    }

    public override bool Accepts(IommuDomain domain) =>
        domain is PagingDomain<ArmLpaeFormat> or WindowedDomain<ArmLpaeFormat> or RichNestedDomain or SharedDomain;

    public override Status Attach(in Attachment attachment)
    {
        if (attachment.Pasid is not null && attachment.Mode == AttachMode.Translate && --FailPasid == 0)
            return Status.NoSpace;
        Attachments.Add(attachment);
        foreach (var stream in attachment.Streams)
            Current[(stream.Value, attachment.Pasid?.Value ?? 0)] = attachment.Domain;
        return Status.Ok;
    }

    public override Status Invalidate(InvalidationTarget target, in InvalidationGather gather)
    {
        foreach (var range in gather.AsSpan())
            Invalidations.Add((target.Domain, range));
        return Status.Ok;
    }

    public override Status Respond(in PageResponse response)
    {
        Responses.Add(response);
        return Status.Ok;
    }

    public override Status SetDirtyTracking(InvalidationTarget target, bool isOn)
    {
        if (isOn)
            Tracked.Add(target.Domain);
        else
            Tracked.Remove(target.Domain);
        return Status.Ok;
    }

    protected override IommuDomain MakeDomain(in DomainRequest request)
    {
        switch (request.Type)
        {
            case DomainType.Nested:
                return new RichNestedDomain(request.Parent!, request.GuestTable.Span);
            case DomainType.Shared:
                return new SharedDomain(request.Tables!);
            default:
                if (MakesWindows is not null)
                    return new WindowedDomain<ArmLpaeFormat>(request.Type, MakesWindows(), tables);
                var kind = request.Stage == TranslationStages.Second ? ArmLpaeKind.Stage2 : ArmLpaeKind.Stage1;
                var options = new ArmLpaeOptions { Kind = kind, InputBits = 39, OutputBits = 40, TracksDirty = request.TracksDirty };
                return new PagingDomain<ArmLpaeFormat>(request, new ArmLpaeFormat(options), tables);
        }
    }
}

/// <summary>A nested domain whose commands are eight bytes: a page to drop, or anything else, which is refused.</summary>
internal sealed class RichNestedDomain(IommuDomain parent, ReadOnlySpan<ulong> guestTable) : NestedDomain(parent, guestTable)
{
    public override Status Invalidate(ReadOnlySpan<byte> commands, out int done)
    {
        for (done = 0; done + 8 <= commands.Length; done += 8)
        {
            var page = BitConverter.ToUInt64(commands[done..]);
            if ((page & 0xFFF) != 0)
                return Status.InvalidArgument;
            var gather = default(InvalidationGather);
            gather.Add(new Iova(page), 0x1000, 12);
            var status = InvalidateUnits(ref gather);
            if (status != Status.Ok)
                return status;
        }

        return done == commands.Length ? Status.Ok : Status.InvalidArgument;
    }
}
