using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Exynos;
using Aperture.Devices;
using Aperture.Drivers.Exynos;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Exynos;

/// <summary>What only the SysMMU has.</summary>
public sealed class ExynosSysMmuTests
{
    private static readonly Iova s_iova = new(0x1000_0000);

    public static TheoryData<uint, uint, uint, uint, bool> Versions => new()
    {
        { 0x8000_0001, 0, 0, 1, false },
        { SysMmuVersion.Of(2, 1).Value, 0, 0, 2, false },
        { SysMmuVersion.Of(3, 3).Value, 0, 0, 3, false },
        { SysMmuVersion.Of(6, 0).Value, 0, 0, 6, false },
        { SysMmuVersion.Of(7, 4).Value, 0x800, 0x4000, 7, true },
        { SysMmuVersion.Of(7, 4).Value, 0x800, 0, 7, false },
        { SysMmuVersion.Of(7, 4).Value, 0, 0x4000, 7, false },
        { SysMmuVersion.Of(5, 0).Value, 0x800, 0x4000, 5, false },
    };

    [Theory]
    [MemberData(nameof(Versions))]
    public void The_version_is_told_by_the_registers(uint version, uint capability0, uint capability1, uint major, bool hasVm)
    {
        using var board = new ExynosBoard(SysMmuOptions.ForVersion(version, capability0, capability1));
        var unit = (ExynosSysMmuUnit)board.AddUnit().Unit;
        Assert.Equal(major, unit.Identity.Version.Major);
        Assert.Equal(hasVm, unit.Identity.HasVm);
        Assert.Equal(major < 5 ? 32 : 36, unit.Capabilities.OutputBits);
    }

    [Theory]
    [InlineData("aclk")]
    [InlineData("pclk")]
    [InlineData("master")]
    [InlineData("")]
    public void Clocks_that_fit_no_description_fail_the_probe(string clock)
    {
        using var board = new ExynosBoard(SysMmuOptions.V5);
        var device = new Device("1.sysmmu");
        device.Registers.Add(board.AddUnit().Device.Registers[0]);
        device.Interrupts.Add(new Interrupt("irq"));
        if (clock.Length != 0)
            device.Clocks.Add(clock, new Gate(GateKind.Clock, clock));
        Assert.Equal(Status.NotImplemented, Assert.Throws<ApertureException>(() => board.SysMmuDriver.Probe(device)).Status);
    }

    [Fact]
    public void Clocks_run_only_as_long_as_they_are_needed()
    {
        using var board = new ExynosBoard(SysMmuOptions.V33);
        var unit = board.AddUnit();
        var (own, access) = (unit.Device.Clocks["sysmmu"], unit.Device.Clocks["master"]);
        Assert.Equal((0, 1), (own.UseCount, access.UseCount));
        var master = board.AddMaster(unit);
        unit.On();
        Assert.Equal((1, 1), (own.UseCount, access.UseCount));
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        domain.Map(s_iova, board.Data, 4096, Protection.ReadWrite);
        domain.Unmap(s_iova, 4096);
        Assert.Equal((1, 1), (own.UseCount, access.UseCount));
        unit.Model.IsClocked = false;
        Assert.ThrowsAny<ApertureException>(() => master.Group.Detach(domain));
        unit.Model.IsClocked = true;
        unit.Cycle();
        unit.Off();
        Assert.Equal((0, 1), (own.UseCount, access.UseCount));
    }

    [Fact]
    public void An_unmap_behind_a_unit_that_never_blocks_is_an_error_and_its_master_is_cut_off()
    {
        using var board = new ExynosBoard(SysMmuOptions.V5);
        var (unit, master, domain) = Ready(board);
        domain.Map(s_iova, board.Data, 8192, Protection.ReadWrite);
        master.Reaches(s_iova, board.Data);
        ((ExynosSysMmu)unit.Model).BlockDelayPolls = -1;
        Assert.Equal(Status.TimedOut, Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, 4096)).Status);
        Assert.Equal(2UL, ((ExynosSysMmuUnit)unit.Unit).BlockTimeouts); // the invalidation, and everything afresh
        var failure = Assert.Single(board.Core.Failures);
        Assert.Equal((unit.Unit, UnitOperation.Invalidate, Status.TimedOut, UnitRemedy.CutOff),
            (failure.Unit, failure.Operation, failure.Status, failure.Remedy));
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova, out _));
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + 4096, out _));

        Assert.Equal(Status.TimedOut, unit.Unit.TryReprogram());
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova, out _));
        unit.Cycle(losesState: false);
        ((ExynosSysMmu)unit.Model).BlockDelayPolls = 0;
        Assert.Equal(5u, unit.Device.Registers[0].Read32(SysMmuRegister.Control));
        Assert.False(domain.IsQuarantining);
        master.Reaches(s_iova + 4096, board.Data + 4096);
        master.IsRefused(s_iova);
    }

    [Fact]
    public void What_a_unit_at_work_did_not_forget_is_made_up_for()
    {
        using var board = new ExynosBoard(SysMmuOptions.V33 with { FlushNeedsBlock = true });
        var (unit, master, domain) = Ready(board);
        domain.Map(s_iova, board.Data, 8192, Protection.ReadWrite);
        master.Reaches(s_iova, board.Data);
        master.Reaches(s_iova + 4096, board.Data + 4096);
        ((ExynosSysMmu)unit.Model).BlockDelayPolls = -1;
        Assert.Throws<ApertureException>(() => domain.Unmap(s_iova, 4096));
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova, out _));
        unit.Cycle(losesState: false);
        ((ExynosSysMmu)unit.Model).BlockDelayPolls = 3;
        domain.Unmap(s_iova + 4096, 4096);
        master.IsRefused(s_iova);
    }

    [Theory]
    [InlineData(1u, 0u)]
    [InlineData(3u, 3u)]
    [InlineData(5u, 0u)]
    [InlineData(7u, 4u)]
    public void What_a_flush_without_a_stall_may_have_left_goes_with_the_next_flush(uint major, uint minor)
    {
        using var board = new ExynosBoard(SysMmuOptions.ForVersion(SysMmuVersion.Of(major, minor).Value),
            driver: new ExynosDriverOptions { FlushesUnstalled = true });
        var (unit, master, domain) = Ready(board);
        domain.Map(s_iova, board.Data, 0x10000, Protection.ReadWrite);
        for (var round = 0UL; round < 3; round++)
        {
            var at = s_iova + (round * 0x4000);
            for (var page = 0UL; page < 3; page++)
                master.Reaches(at + (page * 4096), board.Data + (round * 0x4000) + (page * 4096));
            // A unit at work takes no notice of a flush, once or twice.
            ((ExynosSysMmu)unit.Model).BlockDelayPolls = -1;
            unit.Registers.Loses = offset => IsFlush(unit, offset);
            Assert.Equal(4096UL, domain.Unmap(at, 4096));
            if (round == 1)
                Assert.Equal(4096UL, domain.Unmap(at + 4096, 4096));
            unit.Registers.Loses = null;
            ((ExynosSysMmu)unit.Model).BlockDelayPolls = 0;
            Assert.Equal(4096UL, domain.Unmap(at + 8192, 4096));
            master.IsRefused(at);
        }

        Assert.Equal(4UL, ((ExynosSysMmuUnit)unit.Unit).BlockTimeouts);
    }

    [Theory]
    [InlineData(1u, 0u)]
    [InlineData(3u, 3u)]
    [InlineData(5u, 0u)]
    [InlineData(7u, 4u)]
    public void Protection_and_walk_faults_tell_direction_and_cause(uint major, uint minor)
    {
        using var board = new ExynosBoard(SysMmuOptions.ForVersion(SysMmuVersion.Of(major, minor).Value));
        var (unit, master, domain) = Ready(board);
        domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry;
        domain.Map(s_iova, board.Data, 4096, Protection.Read);
        Assert.Equal(DmaStatus.Ok, master.TryRead(s_iova, out _));
        Assert.NotEqual(DmaStatus.Ok, master.TryWrite(s_iova, 1));
        Assert.Equal((FaultReason.Protection, FaultAccess.Write, s_iova), Last(board));

        var root = ((PagingDomain<ExynosFormat>)domain).Table.Root;
        BinaryPrimitives.WriteUInt32LittleEndian(board.Memory.Span(root + (0x200 * 4), 4), 0x0040_0001); // a table where no RAM is
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(new Iova(0x2000_0000), out _));
        var (reason, access, address) = Last(board);
        Assert.Equal((FaultReason.TableWalk, new Iova(0x2000_0000)), (reason, address));
        Assert.Equal(major == 1 ? FaultAccess.Unknown : FaultAccess.Read, access);
        Assert.False(unit.Interrupt.IsActive);
    }

    [Fact]
    public void An_unknown_cause_is_reported_and_the_unit_goes_on()
    {
        using var board = new ExynosBoard(SysMmuOptions.V1);
        var (unit, _, domain) = Ready(board);
        domain.FaultHandler = (in FaultReport _) => throw new InvalidOperationException("nobody can mend this");
        ((ExynosSysMmu)unit.Model).Poke(SysMmuV1Register.InterruptStatus, 0x200);
        Assert.Equal(FaultReason.Other, Assert.Single(board.Core.Faults).Reason);
        Assert.Equal(0u, unit.Device.Registers[0].Read32(SysMmuV1Register.InterruptStatus));
        Assert.Equal(5u, unit.Device.Registers[0].Read32(SysMmuRegister.Control));
    }

    [Fact]
    public void Several_causes_are_reported_one_after_the_other()
    {
        using var board = new ExynosBoard(SysMmuOptions.V5);
        var (unit, _, domain) = Ready(board);
        domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry;
        ((ExynosSysMmu)unit.Model).Poke(SysMmuV5Register.InterruptStatus, 0x20002);
        Assert.Equal([FaultAccess.Read, FaultAccess.Write], board.Core.Faults.Select(fault => fault.Access));
    }

    [Fact]
    public void The_shared_table_is_allocated_once_and_given_back()
    {
        using var board = new ExynosBoard(SysMmuOptions.V5);
        board.AddUnit();
        var one = board.Tables.BytesInUse;
        board.AddUnit();
        Assert.Equal(one, board.Tables.BytesInUse);
        board.SysMmuDriver.Dispose();
        Assert.Equal(0, board.Tables.BytesInUse);
    }

    private static bool IsFlush(UnitOnBoard unit, uint offset) => ((ExynosSysMmuUnit)unit.Unit).Identity.Version.Major < 5
        ? offset is SysMmuV1Register.Flush or SysMmuV1Register.FlushEntry
        : offset is SysMmuV5Register.Flush or SysMmuV5Register.FlushEntry;

    private static (FaultReason Reason, FaultAccess Access, Iova Address) Last(UnitBoard board) =>
        (board.Core.Faults[^1].Reason, board.Core.Faults[^1].Access, board.Core.Faults[^1].Address);

    private static (UnitOnBoard Unit, MasterOnBoard Master, IommuDomain Domain) Ready(UnitBoard board)
    {
        var unit = board.AddUnit();
        var master = board.AddMaster(unit);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        return (unit, master, domain);
    }
}
