using Aperture.Core;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

public abstract partial class IommuDriverTests
{
    [Theory]
    [InlineData("map attach power")]
    [InlineData("map power attach")]
    [InlineData("attach map power")]
    [InlineData("attach power map")]
    [InlineData("power map attach")]
    [InlineData("power attach map")]
    public void Mapping_attaching_and_powering_work_in_any_order(string order)
    {
        var unit = _board.AddUnit();
        var master = _board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.NotEmpty(master.Ports);
        foreach (var step in order.Split(' '))
        {
            if (step == "map")
                Map(domain, s_iova, 0);
            else if (step == "attach")
                master.Group.Attach(domain);
            else
                unit.On();
        }

        master.Reaches(s_iova, _board.Data);
        master.IsRefused(s_iova + Page);
    }

    [Fact]
    public void After_a_detach_nothing_of_the_domain_is_left()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        master.Reaches(s_iova, _board.Data);
        master.Group.Detach(domain);
        master.IsRefused(s_iova);
        domain.Unmap(s_iova, Page);
        domain.Dispose();

        unit.Off();
        _board.Core.Release(master.Device);
        Assert.Empty(_board.Core.Groups);
        unit.On();
        unit.Off();
    }

    [Fact]
    public void Detached_while_off_and_attached_again()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        master.Reaches(s_iova, _board.Data);
        unit.Off();
        master.Group.Detach(domain);
        unit.On();
        master.IsRefused(s_iova);
        unit.Off();
        master.Group.Attach(domain);
        unit.On();
        master.Reaches(s_iova, _board.Data);
    }

    [Fact]
    public void Replacing_a_domain_under_load_leaves_no_stale_translation()
    {
        var (unit, master, first) = Ready();
        var second = unit.Unit.CreateDomain(DomainType.Unmanaged);
        for (var i = 0UL; i < 16; i++)
        {
            Map(first, s_iova + (i * Page), i * Page);
            Map(second, s_iova + (i * Page), (i + 64) * Page);
        }

        for (var round = 0; round < 20; round++)
        {
            var isSecond = round % 2 != 0;
            master.Group.Replace(isSecond ? second : first);
            for (var i = 0UL; i < 16; i++)
                master.Reaches(s_iova + (i * Page), _board.Data + ((i + (isSecond ? 64UL : 0)) * Page));
        }
    }

    [Fact]
    public void Two_masters_behind_two_units_share_a_domain()
    {
        var units = new[] { _board.AddUnit(), _board.AddUnit() };
        var masters = new[] { _board.AddMaster(units[0]), _board.AddMaster(units[1]) };
        var domain = units[0].Unit.CreateDomain(DomainType.Unmanaged);
        units[0].On();
        masters[0].Group.Attach(domain);
        Map(domain, s_iova, 0, 1 << 16);
        masters[1].Group.Attach(domain);
        units[1].On();
        foreach (var master in masters)
            master.Reaches(s_iova + 0x5000, _board.Data + 0x5000);
        domain.Unmap(s_iova, 1 << 16);
        foreach (var master in masters)
            master.IsRefused(s_iova + 0x5000);

        Map(domain, s_iova, 0);
        masters[0].Group.Detach(domain);
        masters[0].IsRefused(s_iova);
        masters[1].Reaches(s_iova, _board.Data);
    }

    [Fact]
    public void One_master_behind_two_units_is_in_the_domain_on_both()
    {
        var units = new[] { _board.AddUnit(), _board.AddUnit() };
        var master = _board.AddMaster(units);
        var domain = units[0].Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        units[0].On();
        units[1].On();
        Map(domain, s_iova, 0, 1 << 20);
        master.Reaches(s_iova + 0x1000, _board.Data + 0x1000);
        domain.Unmap(s_iova, 1 << 20);
        master.IsRefused(s_iova + 0x1000);
    }

    [Fact]
    public void Masters_behind_one_unit_share_a_domain_or_are_told_apart()
    {
        var unit = _board.AddUnit();
        var masters = new[] { _board.AddMaster(unit), _board.AddMaster(unit) };
        Assert.Equal(_board.TellsMastersApart, masters[0].Group != masters[1].Group);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        foreach (var group in masters.Select(master => master.Group).Distinct())
            group.Attach(domain);
        unit.On();
        Map(domain, s_iova, 0);
        masters[1].Reaches(s_iova, _board.Data);
        _board.Core.Release(masters[0].Device);
        masters[1].Reaches(s_iova, _board.Data);
        domain.Unmap(s_iova, Page);
        masters[1].IsRefused(s_iova);
    }

    [Fact]
    public void A_domain_of_another_kind_is_refused()
    {
        var (_, master, domain) = Ready();
        Map(domain, s_iova, 0);
        using var alien = new PagingDomain<AlienFormat>(DomainType.Unmanaged, default, _board.Tables);
        var error = Assert.Throws<ApertureException>(() => master.Group.Replace(alien));
        Assert.Equal(Status.InvalidArgument, error.Status);
        Assert.Same(domain, master.Group.Domain);
        master.Reaches(s_iova, _board.Data);
    }

    [Fact]
    public void A_failed_detach_left_masters_of_units_that_can_block_blocked_until_they_were_attached_elsewhere()
    {
        var (unit, master, domain) = Ready();
        Map(master.Group.DefaultDomain!, s_iova, Page);
        Map(domain, s_iova, 0);
        unit.Registers.IsDead = true;
        Assert.Throws<ApertureException>(() => master.Group.Detach(domain));
        unit.Registers.IsDead = false;
        Assert.Same(master.Group.DefaultDomain, master.Group.Domain);
        Assert.False(IsReached(master, s_iova, _board.Data) || IsReached(master, s_iova, _board.Data + Page));
        Assert.Equal(Status.Ok, unit.Unit.TryReprogram());
        master.Reaches(s_iova, _board.Data + Page);
        domain.Dispose();
    }

    [Fact]
    public void An_attach_of_a_unit_with_one_table_was_tried_once_where_an_invalidation_is_tried_twice()
    {
        var (unit, master, first) = Ready();
        var second = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(first, s_iova, 0);
        Map(second, s_iova, Page);
        var wasHit = true;
        for (var access = 1; wasHit; access++)
        {
            wasHit = Strike(unit, access, "once", () => master.Group.Replace(second), out var error);
            Assert.Null(error);
            master.Reaches(s_iova, _board.Data + Page);
            if (wasHit)
            {
                var failure = _board.Core.Failures[^1];
                Assert.Equal((UnitOperation.Attach, UnitRemedy.Reprogrammed), (failure.Operation, failure.Remedy));
            }

            master.Group.Replace(first);
        }
    }
}
