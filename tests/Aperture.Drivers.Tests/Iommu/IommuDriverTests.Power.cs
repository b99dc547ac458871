using Aperture.Core;
using Aperture.Devices;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

public abstract partial class IommuDriverTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_power_cycle_keeps_the_domain(bool losesState)
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        master.Reaches(s_iova, _board.Data);
        unit.Cycle(losesState);
        master.Reaches(s_iova, _board.Data);
        master.IsRefused(s_iova + Page);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_changed_while_off_holds_when_on(bool losesState)
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        Map(domain, s_iova + Page, Page);
        master.Reaches(s_iova, _board.Data);
        master.Reaches(s_iova + Page, _board.Data + Page);
        unit.Off();
        domain.Unmap(s_iova, Page);
        Map(domain, s_iova + (1 << 20), 2 * Page);
        unit.On();
        unit.Cycle(losesState);
        master.IsRefused(s_iova);
        master.Reaches(s_iova + Page, _board.Data + Page);
        master.Reaches(s_iova + (1 << 20), _board.Data + (2 * Page));
    }

    [Fact]
    public void What_was_unmapped_while_off_is_not_reached_through_a_unit_whose_clocks_others_hold_on()
    {
        var (unit, master, domain) = Ready();
        domain.Map(s_base, _board.Data, Page, Protection.ReadWrite);
        domain.Map(s_base + Page, _board.Data + Page, Page, Protection.ReadWrite);
        master.Reaches(s_base, _board.Data);
        foreach (var clock in unit.Device.Clocks.Values)
            clock.Enable();
        unit.Off();
        Assert.Equal(Page, domain.Unmap(s_base, Page));
        Assert.False(IsReached(master, s_base, _board.Data));
        foreach (var clock in unit.Device.Clocks.Values)
            clock.Disable();
        unit.On();
        Assert.False(IsReached(master, s_base, _board.Data));
    }

    [Fact]
    public void System_sleep_keeps_the_domain()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        unit.Device.Bound!.Suspend();
        unit.Model.SetPower(false);
        Map(domain, s_iova + Page, Page);
        unit.Model.SetPower(true);
        unit.Device.Bound.Resume();
        master.Reaches(s_iova, _board.Data);
        master.Reaches(s_iova + Page, _board.Data + Page);
    }

    [Fact]
    public void A_unit_that_dies_during_an_attach_leaves_the_group_where_it_was()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        var other = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(other, s_iova, Page);
        unit.Model.SetPower(false);
        var error = Assert.Throws<ApertureException>(() => master.Group.Replace(other));
        Assert.Equal(Status.IoError, error.Status);
        Assert.Same(domain, master.Group.Domain);
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova, out _));

        // A unit that can block was told to, as it could not be told where to go back to.
        unit.Model.SetPower(true);
        unit.Cycle();
        if (!unit.Unit.Capabilities.CanBlock)
            master.Reaches(s_iova, _board.Data);
        master.Group.Replace(other);
        master.Reaches(s_iova, _board.Data + Page);
    }

    [Fact]
    public void A_unit_that_dies_before_its_suspend_comes_back_with_the_domain()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        unit.Registers.IsDead = true;
        Assert.Throws<BusErrorException>(unit.Device.Bound!.RuntimeSuspend);
        unit.Registers.IsDead = false;
        unit.Device.Bound.RuntimeResume();
        master.Reaches(s_iova, _board.Data);
    }

    [Fact]
    public void An_invalidation_that_a_dead_unit_missed_is_an_error_and_is_made_up_for_by_the_next_one()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        Map(domain, s_iova + Page, Page);
        master.Reaches(s_iova, _board.Data);
        unit.Registers.IsDead = true; // the TLB keeps what it has
        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, Page)).Status);
        Assert.False(domain.TryTranslate(s_iova, out _));
        Assert.Equal((true, Page), (domain.IsQuarantining, domain.QuarantinedBytes));
        unit.Registers.IsDead = false;
        Assert.Equal(Page, domain.Unmap(s_iova + Page, Page));
        Assert.Equal((false, 0UL), (domain.IsQuarantining, domain.QuarantinedBytes));
        master.IsRefused(s_iova);
        master.IsRefused(s_iova + Page);
    }
}
