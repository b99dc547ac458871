using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Iommu;

public sealed class GroupTests : IDisposable
{
    private readonly FakeMemory _memory = new();
    private readonly IommuCore _core;

    public GroupTests() => _core = new IommuCore(_memory);

    public void Dispose() => _memory.Dispose();

    private FakeUnit Unit(string name, bool canBlock = true, bool canBypass = true)
    {
        var unit = new FakeUnit(new Device(name), canBlock, canBypass);
        _core.Register(unit);
        return unit;
    }

    private Device Master(string name, params (FakeUnit Unit, uint Stream)[] ports)
    {
        var device = new Device(name);
        _core.Configure(device, [.. ports.Select(port => new IommuSpecifier(port.Unit.Device.Key, port.Unit.Name, [port.Stream]))]);
        return device;
    }

    [Fact]
    public void Each_master_gets_a_group_and_a_default_domain_of_its_own()
    {
        var unit = Unit("u");
        var a = Master("a", (unit, 1));
        var b = Master("b", (unit, 2));
        Assert.NotSame(a.Iommu!.Group, b.Iommu!.Group);
        Assert.Equal((0, 1), (a.Iommu.Group.Id, b.Iommu.Group.Id));
        Assert.NotSame(a.Iommu.Domain, b.Iommu.Domain);
        Assert.Equal(DomainType.Dma, a.Iommu.Domain!.Type);
        Assert.Same(a.Iommu.Domain, unit.Current[("a", 1)]);
        Assert.Equal([unit.Device], a.Power.Suppliers);
    }

    [Fact]
    public void A_unit_that_refuses_its_own_domains_was_said_to_be_of_a_kind_other_than_itself()
    {
        var unit = Unit("u");
        unit.AcceptsNothing = true;
        var failure = Assert.Throws<ApertureException>(() => Master("a", (unit, 1)));
        Assert.Equal("a: IOMMU u does not accept what it makes itself", failure.Message);
    }

    [Fact]
    public void Master_behind_two_units_with_two_streams_on_one()
    {
        var u = Unit("u");
        var v = Unit("v");
        var a = Master("a", (u, 1), (v, 2), (u, 3), (u, 1));
        Assert.Equal([1u, 3u], a.Iommu!.Ports[0].Streams.Select(stream => stream.Value));
        Assert.Equal(2, a.Iommu.Ports.Count);
        Assert.Equal([u, v], a.Iommu.Domain!.Units.Cast<FakeUnit>());

        var domain = (FakeDomain)a.Iommu.Domain;
        domain.Map(new Iova(0x1000), new PhysicalAddress(FakeMemory.Base), 0x1000, Protection.Read);
        domain.Unmap(new Iova(0x1000), 0x1000);
        Assert.Single(u.Invalidations);
        Assert.Single(v.Invalidations);
    }

    [Fact]
    public void Group_spans_units_and_shares_one_domain()
    {
        var u = Unit("u");
        var v = Unit("v");
        u.Key = v.Key = _ => "drm";
        var a = Master("a", (u, 1));
        var b = Master("b", (v, 1));
        Assert.Same(a.Iommu!.Group, b.Iommu!.Group);
        Assert.Same(u.Current[("a", 1)], v.Current[("b", 1)]);
        Assert.Single(u.Domains);
        Assert.Empty(v.Domains);

        _core.Release(a);
        Assert.False(u.Domains[0].IsDisposed);
        _core.Release(b);
        Assert.True(u.Domains[0].IsDisposed);
        Assert.Empty(_core.Groups);
    }

    [Fact]
    public void Several_masters_in_one_unmanaged_domain()
    {
        var u = Unit("u");
        var v = Unit("v");
        var a = Master("a", (u, 1));
        var b = Master("b", (v, 1));
        var domain = new FakeDomain(DomainType.Unmanaged);
        a.Iommu!.Group.Attach(domain);
        b.Iommu!.Group.Attach(domain);
        Assert.Equal(2, domain.Units.Count());
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(domain.Dispose).Status);
        Assert.Equal(Status.Busy,
            Assert.Throws<ApertureException>(() => a.Iommu.Group.Attach(new FakeDomain(DomainType.Unmanaged))).Status);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(a.Iommu.Group.UseDefaultDomain).Status);

        a.Iommu.Group.Detach(domain);
        Assert.Same(a.Iommu.Group.DefaultDomain, a.Iommu.Domain);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => a.Iommu.Group.Detach(domain)).Status);
        b.Iommu.Group.Detach(domain);
        domain.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Failing_attach_anywhere_leaves_all_where_they_were(bool throws)
    {
        // Two masters behind two units each: four ports, so four places to fail.
        for (var port = 0; port < 4; port++)
        {
            var core = new IommuCore(_memory);
            var units = new[] { new FakeUnit(new Device("u")), new FakeUnit(new Device("v")) };
            foreach (var unit in units)
            {
                unit.Key = _ => "one";
                core.Register(unit);
            }

            var masters = new[] { new Device("a"), new Device("b") };
            foreach (var master in masters)
                core.Configure(master,
                    [new IommuSpecifier(units[0].Device.Key, "u", [1]), new IommuSpecifier(units[1].Device.Key, "v", [1])]);
            var group = masters[0].Iommu!.Group;
            var before = (FakeDomain)group.Domain!;
            var wanted = new FakeDomain(DomainType.Unmanaged);

            // Port by port: a behind u, a behind v, b behind u, b behind v.
            units[port % 2].CountFrom((port / 2) + 1);
            units[port % 2].Throws = throws;
            var failure = Assert.Throws<ApertureException>(() => group.Attach(wanted));
            Assert.Equal(throws ? Status.IoError : Status.TimedOut, failure.Status);
            Assert.Contains(masters[port / 2].Name, failure.Message, StringComparison.Ordinal);

            Assert.Same(before, group.Domain);
            Assert.All(units, unit => Assert.All(unit.Current.Values, domain => Assert.Same(before, domain)));
            Assert.Empty(wanted.Units);
            wanted.Dispose();
            Assert.Equal(2, before.Units.Count());

            foreach (var unit in units)
                unit.CountFrom(0);
            var second = new FakeDomain(DomainType.Unmanaged);
            group.Replace(second);
            group.Replace(before);
            second.Dispose();
            foreach (var master in masters)
                core.Release(master);
            Assert.True(before.IsDisposed);
        }
    }

    [Fact]
    public void First_attach_that_fails_on_the_second_unit_leaves_nothing()
    {
        var u = Unit("u");
        var v = Unit("v");
        v.CountFrom(1);
        var device = new Device("a");
        Assert.Throws<ApertureException>(() =>
            _core.Configure(device, [new IommuSpecifier(u.Device.Key, "u", [1]), new IommuSpecifier(v.Device.Key, "v", [1])]));
        Assert.Null(device.Iommu);
        Assert.Empty(_core.Groups);
        Assert.Empty(u.Masters);
        Assert.True(u.Domains[0].IsDisposed);
        Assert.Empty(device.Power.Suppliers);
    }

    [Fact]
    public void Detach_always_leaves_the_domain_even_when_the_hardware_fails()
    {
        var u = Unit("u");
        var a = Master("a", (u, 1));
        var domain = new FakeDomain(DomainType.Unmanaged);
        a.Iommu!.Group.Attach(domain);
        u.CountFrom(1);
        Assert.Throws<ApertureException>(() => a.Iommu.Group.Detach(domain));
        Assert.Same(a.Iommu.Group.DefaultDomain, a.Iommu.Domain);
        Assert.Same(_core.Blocked, u.Current[("a", 1)]);
        domain.Dispose();
        _core.Release(a);
        Assert.All(u.Domains, made => Assert.True(made.IsDisposed));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Owner_keeps_drivers_out_and_gives_back(bool canBlock)
    {
        var u = Unit("u", canBlock);
        var a = Master("a", (u, 1));
        var group = a.Iommu!.Group;
        group.UseDefaultDomain();
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => group.Claim(this)).Status);
        group.UnuseDefaultDomain();
        Assert.Throws<ApertureException>(group.UnuseDefaultDomain);

        group.Claim(this);
        group.Claim(this);
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => group.Claim(new object())).Status);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(group.UseDefaultDomain).Status);
        if (canBlock)
            Assert.Same(_core.Blocked, u.Current[("a", 1)]);
        else
            Assert.Equal((DomainType.Unmanaged, 0), (u.Current[("a", 1)].Type, ((FakeDomain)u.Current[("a", 1)]).Count));

        var guest = new FakeDomain(DomainType.Unmanaged);
        group.Attach(guest);
        group.Detach(guest);
        Assert.NotSame(group.DefaultDomain, group.Domain);
        group.Attach(guest);
        group.Release(this);
        Assert.Same(guest, group.Domain);
        group.Release(this);
        Assert.Same(group.DefaultDomain, group.Domain);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => group.Release(this)).Status);
        guest.Dispose();
        _core.Release(a);
        Assert.All(u.Domains, domain => Assert.True(domain.IsDisposed));
    }

    [Fact]
    public void Claim_is_refused_in_a_foreign_domain()
    {
        var u = Unit("u");
        var a = Master("a", (u, 1));
        using var domain = new FakeDomain(DomainType.Unmanaged);
        a.Iommu!.Group.Attach(domain);
        Assert.Equal(Status.Busy, Assert.Throws<ApertureException>(() => a.Iommu.Group.Claim(this)).Status);
        a.Iommu.Group.Detach(domain);
    }

    [Fact]
    public void Identity_where_units_can_and_tables_where_they_cannot()
    {
        _core.DefaultDomainType = DomainType.Identity;
        var can = Master("a", (Unit("u"), 1));
        var cannot = Master("b", (Unit("v", canBypass: false), 1));
        Assert.Same(_core.Identity, can.Iommu!.Domain);
        Assert.Equal(DomainType.Dma, cannot.Iommu!.Domain!.Type);
        Assert.Equal(Status.NotSupported, Assert.Throws<ApertureException>(() => cannot.Iommu.Group.Attach(_core.Identity)).Status);
        _core.Release(can);
        _core.Release(cannot);
    }

    [Fact]
    public void Wrong_references_are_named()
    {
        var u = Unit("u");
        Assert.Contains("cells <99>", Assert.Throws<ApertureException>(() => Master("a", (u, 99))).Message, StringComparison.Ordinal);
        var failure = Assert.Throws<ApertureException>(() =>
            _core.Configure(new Device("a"), [new IommuSpecifier(new object(), "ghost", [1])]));
        Assert.Equal((Status.ProbeDefer, "a waits for IOMMU ghost"), (failure.Status, failure.Message));
        Assert.Empty(_core.Groups);
        Assert.Equal(Status.AlreadyExists, Assert.Throws<ApertureException>(() => _core.Register(u)).Status);
    }

    [Fact]
    public void Faults_are_kept_counted_and_given_to_handlers()
    {
        var u = Unit("u");
        var a = Master("a", (u, 1));
        var unhandled = new List<FaultReport>();
        _core.UnhandledFault += unhandled.Add;
        var domain = a.Iommu!.Domain!;
        var report = new FaultReport(u, a, 0, new Iova(0x5000), FaultAccess.Write, FaultReason.NotMapped, 1);
        Assert.Equal(FaultResponse.Unhandled, _core.Report(domain, report));
        domain.FaultHandler = (in FaultReport fault) => fault.Address.Value == 0x5000 ? FaultResponse.Retry : FaultResponse.Unhandled;
        Assert.Equal(FaultResponse.Retry, _core.Report(domain, report));
        Assert.Equal(report, Assert.Single(unhandled));
        for (var i = 0; i < IommuCore.KeptFaults; i++)
            _core.Report(domain, report with { Address = new Iova((ulong)i) });
        Assert.Equal((IommuCore.KeptFaults, IommuCore.KeptFaults + 2ul), (_core.Faults.Count, _core.FaultCount));
        Assert.Equal(default, _core.Faults[0].Address);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_domain_is_told_to_a_unit_until_the_last_of_its_masters_was_released(bool inOneGroup)
    {
        var (u, v) = (Unit("u"), Unit("v"));
        if (inOneGroup)
            u.Key = v.Key = _ => "one";
        using var domain = new FakeDomain(DomainType.Unmanaged);
        for (var time = 0; time < 2; time++)
        {
            var masters = new[] { Master("a", (u, 1), (v, 1)), Master("b", (u, 2)), Master("c", (v, 2)) };
            foreach (var group in masters.Select(master => master.Iommu!.Group).Distinct())
                group.Attach(domain);
            AssertTold(u, v);
            _core.Release(masters[1]);
            AssertTold(u, v);
            _core.Release(masters[0]);
            AssertTold(v);
            _core.Release(masters[2]);
            AssertTold();
        }

        void AssertTold(params FakeUnit[] units)
        {
            Assert.Equal(units, domain.Units.Cast<FakeUnit>().OrderBy(unit => unit.Name));
            u.Invalidations.Clear();
            v.Invalidations.Clear();
            domain.Map(new Iova(0x1000), new PhysicalAddress(FakeMemory.Base), 0x1000, Protection.Read);
            domain.Unmap(new Iova(0x1000), 0x1000);
            Assert.Equal(
                (units.Contains(u) ? 1 : 0, units.Contains(v) ? 1 : 0),
                (u.Invalidations.Count(call => call.Domain == domain), v.Invalidations.Count(call => call.Domain == domain)));
        }
    }

    [Fact]
    public void Invalidation_reaches_a_unit_from_before_it_attaches_to_after_it_left()
    {
        var u = Unit("u");
        var a = Master("a", (u, 1));
        var domain = new FakeDomain(DomainType.Unmanaged);
        domain.Map(new Iova(0x1000), new PhysicalAddress(FakeMemory.Base), 0x1000, Protection.Read);
        a.Iommu!.Group.Attach(domain);
        a.Iommu.Group.Detach(domain);
        domain.Unmap(new Iova(0x1000), 0x1000);
        Assert.Empty(u.Invalidations);
        domain.Dispose();
    }
}
