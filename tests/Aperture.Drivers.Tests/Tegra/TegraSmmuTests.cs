using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Drivers.Tegra;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Tegra;

public sealed class TegraSmmuTests : IDisposable
{
    private const ulong Page = 4096;

    private static readonly Iova s_iova = new(0x1000_0000);

    private readonly TegraBoard _board = new(TegraSmmuOptions.Tegra124);
    private readonly UnitOnBoard _unit;

    public TegraSmmuTests()
    {
        _board.Core.DefaultDomainType = DomainType.Identity;
        _unit = _board.AddUnit();
        _unit.On();
    }

    private TegraSmmu Model => (TegraSmmu)_unit.Model;

    private TegraSmmuUnit Unit => (TegraSmmuUnit)_unit.Unit;

    public void Dispose() => _board.Dispose();

    [Fact]
    public void Registers_are_the_recorded_ones()
    {
        Assert.Equal(0x2800_003Fu, Read(0x18));
        Assert.Equal(0x3000_0020u, Read(0x14));
        Assert.Equal(1u, Read(0x10));
        Assert.Equal(0x13D40u, Read(4));
        var (master, domain) = Attach(1); // dc: clients 1, 3, 5, 16, 90 and 115
        Assert.Equal(0x8000_0000u, Read(0x240));
        Assert.Equal((0x1002Au, 0x400_0000u, 0x8_0000u), (Read(0x228), Read(0x230), Read(0x234)));
        Assert.Equal(TegraTableData.For(((PagingDomain<Aperture.Core.PageTables.Formats.TegraFormat>)domain).Table.Root.Value),
            Model.TableData(0));
        master.Device.Iommu!.Group.Replace(_board.Core.Identity);
        Assert.Equal(0u, Read(0x240));
        Assert.Equal((0u, 0u, 0u), (Read(0x228), Read(0x230), Read(0x234)));
    }

    [Fact]
    public void Swgroups_that_the_soc_lacks_are_refused()
    {
        Assert.Equal(Status.OutOfRange, Unit.Translate([11], out _));
        Assert.Equal(Status.InvalidArgument, Unit.Translate([], out _));
        Assert.Equal(Status.InvalidArgument, Unit.Translate([1, 2], out _));
        Assert.Equal(Status.Ok, Unit.Translate([25], out var stream));
        Assert.Equal(25u, stream.Value);
        var error = Assert.Throws<ApertureException>(() => Master("odd", 11));
        Assert.Equal(Status.OutOfRange, error.Status);
    }

    [Fact]
    public void Masters_are_grouped_by_convention_and_by_common_swgroups()
    {
        var display = Master("display", 1);
        var video = Master("video", 24);
        var first = Master("first", 5, 9);
        var second = Master("second", 9, 10);
        var third = Master("third", 6);
        Assert.Same(display.Group, video.Group);
        Assert.Same(first.Group, second.Group);
        Assert.Equal(3, new[] { display.Group, first.Group, third.Group }.Distinct().Count());

        using var apart = new TegraBoard(TegraSmmuOptions.Tegra124, new TegraDriverOptions { Grouping = TegraGrouping.BySwgroup });
        var unit = apart.AddUnit();
        Assert.NotSame(Master(apart, unit, "display", 1).Group, Master(apart, unit, "video", 24).Group);
        Assert.Same(Master(apart, unit, "again", 1).Group, Master(apart, unit, "and again", 1, 2).Group);
    }

    [Fact]
    public void All_swgroups_of_a_master_move_together()
    {
        var (master, domain) = Attach(13, 16);
        Assert.Equal(2, master.Ports.Length);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        master.Reaches(s_iova, _board.Data);
        master.Group.Replace(_board.Core.Identity);
        master.Reaches(new Iova(_board.Data.Value), _board.Data);
        master.Group.Replace(domain);
        master.IsRefused(s_iova + Page);
    }

    [Fact]
    public void Of_two_masters_in_one_swgroup_the_one_that_stays_goes_on()
    {
        var (first, domain) = Attach(5);
        var second = Master("second", 5);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        second.Reaches(s_iova, _board.Data);
        _board.Core.Release(first.Device);
        second.Reaches(s_iova, _board.Data);
        second.IsRefused(s_iova + Page);
    }

    [Fact]
    public void A_fault_names_client_access_address_and_reason()
    {
        var (master, domain) = Attach(5);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.Read));
        Assert.Equal(Status.Ok, domain.Map(s_iova + Page, _board.Data, Page, Protection.Write));
        var errors = new List<TegraMemoryError>();
        Unit.ErrorFound += errors.Add;
        var faults = new List<FaultReport>();
        domain.FaultHandler = (in FaultReport report) =>
        {
            faults.Add(report);
            return FaultResponse.Unhandled;
        };
        Assert.Equal(DmaStatus.Refused, master.TryWrite(s_iova + 8, 0));
        Assert.Equal(DmaStatus.Refused, master.TryRead(s_iova + Page + 16, out _));
        Assert.Equal(DmaStatus.Refused, master.TryRead(s_iova + (3 * Page), out _));
        Assert.Equal(
            [(FaultReason.Protection, FaultAccess.Write, s_iova + 8), (FaultReason.Protection, FaultAccess.Read, s_iova + Page + 16),
                (FaultReason.NotMapped, FaultAccess.Read, s_iova + (3 * Page))],
            faults.Select(fault => (fault.Reason, fault.Access, fault.Address)));
        Assert.All(faults, fault => Assert.Same(master.Device, fault.Device));
        Assert.Equal(["hdaw", "hdar", "hdar"], errors.Select(error => error.ClientName!));
        Assert.Equal("hdaw: write to 0x10000008: InvalidSmmuPage (R--)", errors[0].ToString());
        Assert.Equal(5u, errors[0].Swgroup);
    }

    [Fact]
    public void Errors_that_are_no_faults_are_told_and_acknowledged()
    {
        var errors = new List<TegraMemoryError>();
        Unit.ErrorFound += errors.Add;
        Model.Latch(TegraMcInterrupts.Mts, TegraErrorStatus.Of(0, 0x7E, true, true, 0x3_0000_0000, default), 0x9300_0000);
        var error = Assert.Single(errors);
        Assert.Equal((TegraMcInterrupts.Mts, 0x7Eu, null, 0x3_9300_0000ul, FaultReason.Other),
            (error.Cause, error.Client, error.ClientName, error.Address, error.Reason));
        Assert.Equal("client 126: secure write to 0x393000000: Mts", error.ToString());
        Assert.Equal(0u, Read(0));
        Assert.Equal(0ul, _board.Core.FaultCount);
        Model.Latch(TegraMcInterrupts.Arbitration, default, 0);
        Assert.Single(errors);
        Assert.False(_unit.Interrupt.IsStuck);
    }

    [Fact]
    public void Hot_resets_are_reset_lines()
    {
        var (master, domain) = Attach(5);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        Assert.Equal(Status.Ok, Unit.HotResets.Resolve(GateKind.Reset, [5], out var gate));
        Assert.Equal(Status.OutOfRange, Unit.HotResets.Resolve(GateKind.Reset, [24], out _));
        Assert.Equal(Status.InvalidArgument, Unit.HotResets.Resolve(GateKind.Clock, [5], out _));
        Assert.Equal(Status.InvalidArgument, Unit.HotResets.Resolve(GateKind.Reset, [], out _));
        master.Reaches(s_iova, _board.Data);
        gate!.Enable();
        master.Reaches(s_iova, _board.Data);
        Model.DrainDelayPolls = 5;
        gate.Disable();
        Assert.Equal(DmaStatus.Stalled, master.TryRead(s_iova, out _));
        _unit.Cycle();
        Assert.Equal(DmaStatus.Stalled, master.TryRead(s_iova, out _));
        gate.Enable();
        master.Reaches(s_iova, _board.Data);
        Model.DrainDelayPolls = -1;
        Assert.Equal(Status.TimedOut, Assert.Throws<ApertureException>(gate.Disable).Status);
        Assert.Equal(DmaStatus.Stalled, master.TryRead(s_iova, out _));
    }

    [Fact]
    public void A_domain_of_an_soc_with_wider_addresses_is_refused()
    {
        var (master, _) = Attach(5);
        using var narrow = new TegraBoard(TegraSmmuOptions.Tegra30);
        using var alien = narrow.AddUnit().Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => master.Group.Replace(alien)).Status);
    }

    [Fact]
    public void Memory_of_tables_that_is_used_again_is_not_remembered()
    {
        // The second domain's tables lie where the first one's lay, and the PTC has words from there.
        var (master, first) = Attach(5);
        for (var round = 0UL; round < 4; round++)
        {
            Assert.Equal(Status.Ok, first.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
            master.Reaches(s_iova, _board.Data);
            master.Group.Replace(_board.Core.Identity);
            first.Dispose();
            first = _unit.Unit.CreateDomain(DomainType.Unmanaged);
            master.Group.Replace(first);
            master.IsRefused(s_iova);
        }
    }

    [Fact]
    public void A_page_of_a_domain_changed_while_nobody_was_in_it_is_seen_afterwards()
    {
        var (master, domain) = Attach(5);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        master.Reaches(s_iova, _board.Data);
        master.Group.Replace(_board.Core.Identity);
        Assert.Equal(Page, domain.Unmap(s_iova, Page));
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data + Page, Page, Protection.ReadWrite));
        master.Group.Replace(domain);
        master.Reaches(s_iova, _board.Data + Page);
    }

    private uint Read(uint offset)
    {
        Assert.True(Model.TryRead(offset, 4, out var value));
        return (uint)value;
    }

    private MasterOnBoard Master(string name, params uint[] swgroups) => Master(_board, _unit, name, swgroups);

    private static MasterOnBoard Master(TegraBoard board, UnitOnBoard unit, string name, params uint[] swgroups)
    {
        var device = new Device(name);
        board.Core.Configure(device, [.. swgroups.Select(id => new IommuSpecifier(unit.Device, unit.Device.Name, [id]))]);
        return new MasterOnBoard(board, device, [.. swgroups.Select(id => new DmaPort(board.Bus, unit.Model, new StreamId(id)))]);
    }

    private (MasterOnBoard Master, IommuDomain Domain) Attach(params uint[] swgroups)
    {
        var master = Master("master", swgroups);
        var domain = _unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        return (master, domain);
    }
}
