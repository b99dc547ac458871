using Aperture.Core;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

// Masters that are kept from memory by their own switches while their unit does not answer.
public abstract partial class IommuDriverTests
{
    [Fact]
    public void A_page_was_reached_again_when_the_clock_came_back_behind_a_unit_that_cannot_cut_its_masters_off()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        Map(domain, s_iova + Page, Page);
        master.Reaches(s_iova, _board.Data);
        unit.Registers.IsDead = true;
        Assert.Equal(Status.IoError, Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, Page)).Status);
        Assert.Equal(UnitRemedy.CutOff, _board.Core.Failures[^1].Remedy);
        unit.Registers.IsDead = false; // and all that the unit knows is as it was
        for (var port = 0; port < master.Ports.Length; port++)
        {
            Assert.Equal(DmaStatus.BusError, master.TryRead(s_iova, out _, port));
            Assert.Equal(DmaStatus.BusError, master.TryWrite(s_iova, 1, port));
        }

        Assert.True(master.Device.BusMastering!.IsStopped);
        Assert.Equal(Status.Ok, unit.Unit.TryReprogram());
        Assert.False(master.Device.BusMastering.IsStopped);
        master.Reaches(s_iova + Page, _board.Data + Page);
        master.IsRefused(s_iova);
    }

    [Fact]
    public void A_master_without_a_switch_is_said_to_reach_what_was_unmapped()
    {
        var unit = _board.AddUnit();
        var master = _board.AddMaster(hasSwitch: false, unit);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        Map(domain, s_iova, 0);
        master.Reaches(s_iova, _board.Data);
        unit.Registers.IsDead = true;
        Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, Page));
        unit.Registers.IsDead = false;
        if (IsReached(master, s_iova, _board.Data))
            Assert.Equal(UnitRemedy.Quarantined, _board.Core.Failures[^1].Remedy);
        Assert.True(domain.IsQuarantining);
        unit.Cycle(losesState: false);
        Assert.False(IsReached(master, s_iova, _board.Data));
    }

    [Fact]
    public void A_master_behind_two_units_that_failed_works_when_both_were_programmed_afresh()
    {
        var units = new[] { _board.AddUnit(), _board.AddUnit() };
        var master = _board.AddMaster(units);
        foreach (var unit in units)
            unit.On();
        var domain = units[0].Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        Map(domain, s_iova, 0);
        Map(domain, s_iova + Page, Page);
        foreach (var unit in units)
            unit.Registers.IsDead = true;
        Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, Page));
        foreach (var unit in units)
        {
            Assert.Equal(DmaStatus.BusError, master.TryRead(s_iova + Page, out _));
            unit.Registers.IsDead = false;
            Assert.Equal(Status.Ok, unit.Unit.TryReprogram());
        }

        master.Reaches(s_iova + Page, _board.Data + Page);
    }

    /// <summary>Its entries may be anybody's who has its streams.</summary>
    [Fact]
    public void A_master_that_comes_while_its_unit_has_failed_waits_like_the_others()
    {
        var (unit, master, domain) = Ready();
        Map(domain, s_iova, 0);
        unit.Registers.IsDead = true;
        Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, Page));
        var other = new Devices.Device("late")
        {
            Description = new Devices.DeviceDescription
            {
                Identity = new MasterIdentity { Units = [new IommuSpecifier(unit.Device, unit.Device.Name, [.. Cells(unit)])] },
            },
        };
        var port = new DmaPort(_board.Bus, unit.Model, master.Ports[0].Stream);
        other.BusMastering = new Boards.Wiring.PortMastering([port]);
        _board.Core.AddMaster(other);
        unit.Registers.IsDead = false;
        Assert.Equal(DmaStatus.BusError, port.Read(s_iova, new byte[8], out _));
        Assert.Equal(Status.Ok, unit.Unit.TryReprogram());
        Assert.False(other.BusMastering.IsStopped);
    }

    private static IEnumerable<uint> Cells(UnitOnBoard unit) => Enumerable.Repeat(1u, unit.Unit.SpecifierCells);
}
