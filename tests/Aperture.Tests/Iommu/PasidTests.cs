using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Iommu;

/// <summary>Processes of masters in address spaces of their own, and the pages that devices ask for.</summary>
public sealed class PasidTests : IDisposable
{
    private readonly FakeMemory _memory = new();
    private readonly IommuCore _core;
    private readonly RichUnit _unit;

    public PasidTests()
    {
        _core = new IommuCore(_memory);
        _unit = new RichUnit(new Device("rich"), _memory);
        _core.Register(_unit);
    }

    public void Dispose() => _memory.Dispose();

    private Device Master(string name, uint stream, int bits = 4, object? key = null)
    {
        var device = new Device(name)
        {
            Description = new DeviceDescription
            {
                Identity = new MasterIdentity
                {
                    Units = [new IommuSpecifier(_unit.Device.Key, "rich", [stream])],
                    GroupKeys = key is null ? [] : [key],
                    PasidBits = bits,
                },
            },
        };
        _core.AddMaster(device);
        _core.Configure(device);
        return device;
    }

    [Fact]
    public void A_unit_without_pasids_is_named_with_what_it_lacks()
    {
        var plain = new FakeUnit(new Device("plain"));
        _core.Register(plain);
        var device = new Device("a");
        _core.Configure(device, [new IommuSpecifier(plain.Device.Key, "plain", [1])]);
        using var domain = new FakeDomain(DomainType.Unmanaged);
        var failure = Assert.Throws<ApertureException>(() => device.Iommu!.Group.AttachPasid(new Pasid(1), domain));
        Assert.Equal((Status.NotSupported, "group 0 (a): IOMMU plain has no PASIDs (Pasids)"), (failure.Status, failure.Message));
    }

    [Fact]
    public void Each_process_has_its_own_address_space()
    {
        var a = Master("a", 1);
        var group = a.Iommu!.Group;
        using var one = _unit.CreateDomain(DomainType.Unmanaged);
        using var shared = (SharedDomain)_unit.CreateDomain(new DomainRequest(DomainType.Shared, a) { Tables = new Tables() });
        group.AttachPasid(new Pasid(1), one);
        group.AttachPasid(new Pasid(2), shared);
        Assert.Same(one, _unit.Current[(1, 1)]);
        Assert.Same(shared, _unit.Current[(1, 2)]);
        Assert.Same(group.DefaultDomain, _unit.Current[(1, 0)]);
        Assert.Same(one, group.DomainOf(new Pasid(1)));
        Assert.Null(group.DomainOf(new Pasid(3)));
        Assert.Equal((Status.Busy, Status.OutOfRange, Status.OutOfRange), (Refused(1), Refused(0), Refused(16)));
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => group.Claim(this)).Status);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(one.Dispose).Status);

        Assert.Equal(Status.Ok, shared.Invalidate(new Iova(0x4000), 0x2000, 12, false));
        Assert.Equal((shared, 0x4000ul), (_unit.Invalidations[^1].Domain, _unit.Invalidations[^1].Range.Start.Value));

        group.DetachPasid(new Pasid(1));
        Assert.Same(_core.Blocked, _unit.Current[(1, 1)]);
        Assert.Equal((AttachMode.Blocked, one), (_unit.Attachments[^1].Mode, _unit.Attachments[^1].Previous));
        Assert.Equal(Status.NotFound, Assert.Throws<ApertureException>(() => group.DetachPasid(new Pasid(1))).Status);
        _core.Release(a);
        Assert.Same(_core.Blocked, _unit.Current[(1, 2)]);

        Status Refused(uint pasid) => Assert.Throws<ApertureException>(() => group.AttachPasid(new Pasid(pasid), one)).Status;
    }

    [Fact]
    public void A_process_is_attached_for_all_masters_of_a_group_or_for_none()
    {
        var a = Master("a", 1, key: "bus");
        var b = Master("b", 2, key: "bus");
        var without = Master("c", 3, bits: 0, key: "bus");
        var group = a.Iommu!.Group;
        using var domain = _unit.CreateDomain(DomainType.Unmanaged);
        _unit.FailPasid = 2;
        Assert.Equal(Status.NoSpace, Assert.Throws<ApertureException>(() => group.AttachPasid(new Pasid(5), domain)).Status);
        Assert.Empty(group.Pasids);
        Assert.Empty(domain.Units);
        Assert.Same(_core.Blocked, _unit.Current[(1, 5)]);

        group.AttachPasid(new Pasid(5), domain);
        Assert.Same(domain, _unit.Current[(1, 5)]);
        Assert.Same(domain, _unit.Current[(2, 5)]);
        Assert.False(_unit.Current.ContainsKey((3, 5)));
        _core.Release(b);
        Assert.Same(_core.Blocked, _unit.Current[(2, 5)]);
        _core.Configure(b);
        Assert.Same(domain, _unit.Current[(2, 5)]);
        _core.Release(a);
        _core.Release(b);
        _core.Release(without);
        Assert.Empty(domain.Units);
    }

    [Fact]
    public void Masters_with_fewer_bits_are_named()
    {
        var a = Master("a", 1, bits: 2);
        using var domain = _unit.CreateDomain(DomainType.Unmanaged);
        var failure = Assert.Throws<ApertureException>(() => a.Iommu!.Group.AttachPasid(new Pasid(4), domain));
        Assert.Equal((Status.OutOfRange, "group 0 (a): a has PASIDs of 2 bits, not 4"), (failure.Status, failure.Message));
        var none = Master("none", 2, bits: 0);
        failure = Assert.Throws<ApertureException>(() => none.Iommu!.Group.AttachPasid(new Pasid(1), domain));
        Assert.Equal(Status.NotSupported, failure.Status);
    }

    [Fact]
    public void Page_requests_are_answered_by_group_and_once()
    {
        var a = Master("a", 1);
        var group = a.Iommu!.Group;
        var domain = _unit.CreateDomain(DomainType.Unmanaged);
        var asked = new List<PageRequestGroup>();
        var answer = FaultResponse.Retry;
        domain.PageRequestHandler = requests =>
        {
            asked.Add(requests);
            return answer;
        };
        group.AttachPasid(new Pasid(3), domain);

        Assert.Equal(Status.Ok, _core.Report(Request(7, 0x1000, false)));
        Assert.Equal(Status.Ok, _core.Report(Request(8, 0x9000, false)));
        Assert.Empty(asked);
        Assert.Equal(Status.Ok, _core.Report(Request(7, 0x2000, true)));
        Assert.Equal([0x1000ul, 0x2000ul], asked[0].Requests.ToArray().Select(request => request.Address.Value));
        Assert.Equal([new PageResponse(a, new Pasid(3), 7, PageResponseCode.Success)], _unit.Responses);
        Assert.Equal(Status.NotFound, asked[0].Respond(PageResponseCode.Success));

        answer = FaultResponse.Deferred;
        Assert.Equal(Status.Ok, _core.Report(Request(8, 0xA000, true)));
        Assert.Equal((2, 1, 1), (asked[1].Requests.Length, _unit.Responses.Count, _core.WaitingRequests));
        Assert.Equal(Status.Ok, asked[1].Respond(PageResponseCode.Success));
        Assert.Equal((PageResponseCode.Success, 0), (_unit.Responses[^1].Code, _core.WaitingRequests));

        answer = FaultResponse.Unhandled;
        Assert.Equal(Status.Ok, _core.Report(Request(9, 0xB000, true)));
        Assert.Equal(PageResponseCode.Invalid, _unit.Responses[^1].Code);
        Assert.Equal(Status.Ok, _core.Report(Request(7, 0xC000, true))); // a number is used again: what it had is answered
        Assert.Equal([0xC000ul], asked[^1].Requests.ToArray().Select(request => request.Address.Value));

        // Nobody handles those of the default domain.
        Assert.Equal(Status.NotFound, _core.Report(Request(1, 0x1000, true) with { Pasid = null }));
        Assert.Equal(new PageResponse(a, null, 1, PageResponseCode.Invalid), _unit.Responses[^1]);
        group.DetachPasid(new Pasid(3));
        domain.Dispose();

        PageRequest Request(uint number, ulong address, bool isLast) =>
            new(_unit, a, new Pasid(3), number, new Iova(address), Protection.Read, false, isLast);
    }

    [Fact]
    public void What_was_asked_for_is_answered_when_the_process_goes()
    {
        var a = Master("a", 1);
        var group = a.Iommu!.Group;
        var domain = _unit.CreateDomain(DomainType.Unmanaged);
        PageRequestGroup? asked = null;
        domain.PageRequestHandler = requests =>
        {
            asked = requests;
            return FaultResponse.Deferred;
        };
        group.AttachPasid(new Pasid(3), domain);
        var request = new PageRequest(_unit, a, new Pasid(3), 1, new Iova(0x1000), Protection.Write, false, true);
        _core.Report(request);
        _core.Report(request with { Group = 2, IsLast = false });
        group.DetachPasid(new Pasid(3));
        Assert.Equal([new PageResponse(a, new Pasid(3), 1, PageResponseCode.Invalid)], _unit.Responses);
        Assert.Equal((Status.NotFound, 0), (asked!.Respond(PageResponseCode.Success), _core.WaitingRequests));

        for (var i = 0; i < IommuCore.MaxPartialRequests; i++)
            Assert.Equal(Status.Ok, _core.Report(request with { Group = 3, IsLast = false }));
        Assert.Equal(Status.NoSpace, _core.Report(request with { Group = 3, IsLast = false }));
        Assert.Equal(new PageResponse(a, new Pasid(3), 3, PageResponseCode.Failure), _unit.Responses[^1]);

        group.Attach(domain);
        _core.Report(request with { Pasid = null, Group = 4 });
        group.Detach(domain);
        Assert.Equal(new PageResponse(a, null, 4, PageResponseCode.Invalid), _unit.Responses[^1]);
        domain.Dispose();
        Assert.Equal(Status.NotSupported, new FakeUnit(new Device("plain")).Respond(_unit.Responses[^1]));
    }

    [Fact]
    public void Faults_tell_process_and_stage()
    {
        var report = new FaultReport(_unit, null, 1, new Iova(0x5000), FaultAccess.Read, FaultReason.NotMapped, 2)
        {
            Pasid = new Pasid(9),
            Stage = TranslationStages.Second,
            IsTableAccess = true,
        };
        Assert.EndsWith("(context 1, PASID 9, Second stage, a table, status 0x2)", report.ToString(), StringComparison.Ordinal);
        using var domain = _unit.CreateDomain(DomainType.Unmanaged);
        domain.FaultHandler = (in FaultReport _) => FaultResponse.Deferred;
        var unhandled = 0;
        _core.UnhandledFault += _ => unhandled++;
        Assert.Equal((FaultResponse.Unhandled, 1), (_core.Report(domain, report), unhandled));
    }

    private sealed class Tables : ISharedTables
    {
        public PhysicalAddress Root => new(FakeMemory.Base);

        public object Format => new ArmLpaeFormat(new());
    }
}
