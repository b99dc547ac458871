using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Devices;
using Aperture.Drivers.Rockchip;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Rockchip;

/// <summary>What only the Rockchip IOMMU has.</summary>
public sealed class RockchipIommuTests
{
    private static readonly Iova s_iova = new(0x1000_0000);

    [Fact]
    public void A_stall_that_is_never_granted_is_a_clear_error_after_its_time()
    {
        using var board = new RockchipBoard(new());
        var (unit, master, domain) = Ready(board);
        var mmu = ((RockchipIommu)unit.Model).Mmus[0];
        var other = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Map(board, other, 4096);
        mmu.StallDelayPolls = -1;
        var start = board.Time.Elapsed;
        var error = Assert.Throws<ApertureException>(() => master.Group.Replace(other));
        Assert.Equal(Status.TimedOut, error.Status);
        Assert.Contains("STATUS stays 0x19", error.Message, StringComparison.Ordinal);
        Assert.Same(domain, master.Group.Domain);
        Assert.InRange(board.Time.Elapsed - start, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(10));
        Assert.True(((RockchipIommuUnit)unit.Unit).StallTimeouts > 0);

        mmu.StallDelayPolls = 4; // late, but in time
        master.Group.Replace(other);
        master.Reaches(s_iova, board.Data + 4096);
    }

    [Fact]
    public void A_unit_that_loses_its_table_address_is_a_clear_error()
    {
        using var board = new RockchipBoard(new() { Mmus = 2 });
        var unit = board.AddUnit();
        var master = board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        unit.On();
        ((RockchipIommu)unit.Model).Mmus[1].LosesTableBase = true;
        var error = Assert.Throws<ApertureException>(() => master.Group.Attach(domain));
        Assert.Equal(Status.BadAddress, error.Status);
        Assert.Contains("was written to DTE_ADDR and 0x0 is read", error.Message, StringComparison.Ordinal);
        Assert.NotSame(domain, master.Group.Domain);
        ((RockchipIommu)unit.Model).Mmus[1].LosesTableBase = false;
        master.Group.Attach(domain);
        Map(board, domain, 0);
        master.Reaches(s_iova, board.Data);
    }

    [Fact]
    public void A_unit_that_grants_no_stall_is_switched_off_all_the_same()
    {
        using var board = new RockchipBoard(new());
        var (unit, _, _) = Ready(board);
        ((RockchipIommu)unit.Model).Mmus[0].StallDelayPolls = -1;
        unit.Off();
        Assert.Equal(0x18u, Read(unit, 0, RockchipMmuRegister.Status));
        Assert.Equal(0u, Read(unit, 0, RockchipMmuRegister.InterruptMask));
    }

    [Fact]
    public void Clocks_are_on_only_around_register_accesses()
    {
        using var board = new RockchipBoard(new());
        var (unit, _, domain) = Ready(board);
        var clocks = unit.Device.Clocks.Values.ToArray();
        Assert.All(clocks, clock => Assert.Equal(1, clock.UseCount)); // the master's
        var most = 0;
        foreach (var clock in clocks)
            clock.Disable();
        foreach (var clock in clocks)
            clock.Changed += on => most += on ? 1 : 0;
        domain.Unmap(s_iova, 4096);
        Assert.Equal(clocks.Length, most);
        Assert.All(clocks, clock => Assert.False(clock.IsOn));
        unit.Off();
        unit.On();
        Assert.All(clocks, clock => Assert.False(clock.IsOn));
        Assert.Equal(InterruptResult.None, unit.Interrupt.Poll());
    }

    [Fact]
    public void Every_mmu_is_programmed_and_reset_unless_it_must_not_be()
    {
        foreach (var keeps in (bool[])[false, true])
        {
            using var board = new RockchipBoard(new() { Mmus = 2 }, keeps);
            var unit = board.AddUnit();
            ((RockchipIommu)unit.Model).Mmus[1].Poke(RockchipMmuRegister.AutoGating, 1);
            var resets = new CountingRegisters(unit.Device.Registers[1]);
            var device = unit.Device;
            device.Registers[1] = resets;
            var again = new RockchipIommuDriver(new IommuCore(board.Tables), board.Time)
                .Probe(device, new RockchipIommuDescription(KeepsReset: keeps));
            var domain = (PagingDomain<Aperture.Core.PageTables.Formats.RockchipFormat>)again.CreateDomain(DomainType.Unmanaged);
            Assert.Equal(Status.Ok, again.Attach(new Attachment(new Device("master"), [], domain)));
            Assert.Equal(keeps ? 0 : 1, resets.Resets);
            Assert.All([0, 1], mmu => Assert.Equal((uint)domain.Table.Root.Value | 1, Read(unit, mmu, RockchipMmuRegister.TableBase)));
            Assert.All([0, 1], mmu => Assert.Equal(0x19u, Read(unit, mmu, RockchipMmuRegister.Status)));
        }
    }

    [Fact]
    public void A_bus_error_is_reported_and_the_unit_goes_on()
    {
        using var board = new RockchipBoard(new());
        var (unit, master, domain) = Ready(board);
        var table = ((PagingDomain<Aperture.Core.PageTables.Formats.RockchipFormat>)domain).Table;
        BitConverter.TryWriteBytes(board.Memory.Span(table.Root + (0x20 * 4), 4), 0x2000_0001);
        Assert.Equal(DmaStatus.Refused, master.TryRead(new Iova(0x0800_0000), out _));
        var report = board.Core.Faults[^1];
        Assert.Equal((FaultReason.TableWalk, new Iova(0x0800_0000)), (report.Reason, report.Address));
        Assert.False(unit.Interrupt.IsActive);
        master.Reaches(s_iova, board.Data);
    }

    [Fact]
    public void A_violation_is_told_from_a_hole()
    {
        using var board = new RockchipBoard(new());
        var (unit, master, domain) = Ready(board);
        Assert.Equal(Status.Ok, domain.Map(s_iova + 4096, board.Data, 4096, Protection.Read));
        Assert.NotEqual(DmaStatus.Ok, master.TryWrite(s_iova + 4100, 1));
        Assert.Equal((FaultReason.Protection, FaultAccess.Write), (board.Core.Faults[^1].Reason, board.Core.Faults[^1].Access));
        unit.Cycle();
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova + 8192, out _));
        Assert.Equal((FaultReason.NotMapped, FaultAccess.Read), (board.Core.Faults[^1].Reason, board.Core.Faults[^1].Access));
    }

    [Fact]
    public void Versions_do_not_share_domains()
    {
        using var board = new RockchipBoard(new());
        using var wide = new RockchipBoard(new() { IsWide = true });
        var (_, master, _) = Ready(board);
        var alien = wide.AddUnit().Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => master.Group.Replace(alien)).Status);
        Assert.Equal(40, wide.AddUnit().Unit.Capabilities.OutputBits);
    }

    [Fact]
    public void Probe_refuses_what_is_incomplete()
    {
        using var board = new RockchipBoard(new());
        var driver = new RockchipIommuDriver(board.Core, board.Time);
        var device = new Device("1.iommu");
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => driver.Probe(device)).Status);
        device.Registers.Add(board.AddUnit().Device.Registers[0]);
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => driver.Probe(device)).Status);
    }

    private static (UnitOnBoard Unit, MasterOnBoard Master, IommuDomain Domain) Ready(RockchipBoard board)
    {
        var unit = board.AddUnit();
        var master = board.AddMaster(unit);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        Map(board, domain, 0);
        master.Reaches(s_iova, board.Data);
        return (unit, master, domain);
    }

    private static void Map(RockchipBoard board, IommuDomain domain, ulong offset) =>
        Assert.Equal(Status.Ok, domain.Map(s_iova, board.Data + offset, 4096, Protection.ReadWrite));

    private static uint Read(UnitOnBoard unit, int mmu, uint register)
    {
        Assert.True(((RockchipIommu)unit.Model).Mmus[mmu].TryRead(register, 4, out var value));
        return (uint)value;
    }

    /// <summary>Counts resets.</summary>
    private sealed class CountingRegisters(RegisterRegion registers) : RegisterRegion(registers.Name, registers.Size)
    {
        public int Resets { get; private set; }

        public override uint Read32(uint offset) => registers.Read32(offset);

        public override void Write32(uint offset, uint value)
        {
            Resets += offset == RockchipMmuRegister.Command && value == (uint)RockchipMmuCommand.ForceReset ? 1 : 0;
            registers.Write32(offset, value);
        }

        public override ulong Read64(uint offset) => registers.Read64(offset);

        public override void Write64(uint offset, ulong value) => registers.Write64(offset, value);
    }
}
