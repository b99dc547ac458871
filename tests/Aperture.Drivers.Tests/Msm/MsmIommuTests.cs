using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Msm;
using Aperture.Devices;
using Aperture.Drivers.Msm;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Msm;

/// <summary>What only the MSM IOMMU has.</summary>
public sealed class MsmIommuTests : IDisposable
{
    private const ulong Page = 4096;

    private static readonly Iova s_iova = new(0x1000_0000);

    private readonly MsmBoard _board = new(new());

    public void Dispose() => _board.Dispose();

    [Theory]
    [InlineData("smmu_pclk")]
    [InlineData("iommu_clk")]
    [InlineData("interrupt")]
    [InlineData("registers")]
    [InlineData("banks")]
    [InlineData("reserved")]
    [InlineData("node")]
    public void A_description_that_lacks_something_fails_the_probe(string missing)
    {
        var device = new Device("1.iommu");
        if (missing != "registers")
            device.Registers.Add(_board.AddUnit().Device.Registers[0]);
        if (missing != "interrupt")
            device.Interrupts.Add(new Interrupt("irq"));
        foreach (var clock in new[] { "smmu_pclk", "iommu_clk" }.Where(clock => clock != missing))
            device.Clocks.Add(clock, new Gate(GateKind.Clock, clock));
        var driver = new MsmIommuDriver(_board.Core);
        var description = new MsmIommuDescription { Banks = missing == "banks" ? 0 : 2, ReservedBanks = missing == "reserved" ? 2 : 0 };
        var error = Assert.Throws<ApertureException>(() => missing == "node" ? driver.Probe(device) : driver.Probe(device, description));
        Assert.Equal(missing == "interrupt" ? Status.NoDevice : Status.InvalidArgument, error.Status);
        Assert.Contains("1.iommu", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_unit_that_fails_its_self_test_is_no_device()
    {
        using var board = new MsmBoard(new() { HasOperations = false });
        var error = Assert.Throws<ApertureException>(board.AddUnit);
        Assert.Equal(Status.NoDevice, error.Status);
    }

    [Fact]
    public void The_registers_end_as_recorded()
    {
        var unit = _board.AddUnit();
        var master = _board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        unit.On();
        var table = ((PagingDomain<ArmShortFormat>)domain).Table.Root.Value;
        Assert.Equal(
            [7u, 0x3_7072u, 0u, (uint)table | 2, 0u, 0u, 0x800B_8204u, 0x4000_4000u, 0u, 1u],
            new[]
            {
                MsmContextRegisters.SystemControl, MsmContextRegisters.AuxiliaryControl, MsmContextRegisters.ContextId,
                    MsmContextRegisters.TableBase0, MsmContextRegisters.TableBase1,
                MsmContextRegisters.TableControl, MsmContextRegisters.PrimaryRemap, MsmContextRegisters.NormalRemap,
                    MsmContextRegisters.FaultStatus, MsmContextRegisters.BlockFetch,
            }.Select(register => Read(unit, register)));
        Assert.Equal([0xC0_0000u, 0xC0_0000u, MsmMachineMap.Refused.Bits],
            new uint[] { 0, 1, 2 }.Select(machine => Read(unit, MsmGlobalRegisters.MachineMapOf(machine))));
        Assert.Equal(MsmControl.LockWritableBit, Read(unit, MsmGlobalRegisters.Control));

        master.Group.Detach(domain);
        unit.Off();
        _board.Core.Release(master.Device);
        unit.On();
        Assert.Equal((0u, MsmMachineMap.Refused.Bits),
            (Read(unit, MsmContextRegisters.SystemControl), Read(unit, MsmGlobalRegisters.MachineMapOf(0))));
    }

    [Fact]
    public void Clocks_run_around_register_accesses_only()
    {
        var unit = _board.AddUnit();
        var master = _board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.NotEmpty(unit.Device.Clocks);
        var accesses = 0;
        unit.Registers.Before = () =>
        {
            accesses++;
            Assert.All(unit.Device.Clocks.Values, clock => Assert.True(clock.IsOn));
        };
        unit.On();
        AssertOff();
        master.Group.Attach(domain);
        AssertOff();
        domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite);
        master.Reaches(s_iova, _board.Data);
        domain.Unmap(s_iova, Page);
        AssertOff();
        unit.Registers.IsDead = true;
        Assert.Throws<ApertureException>(() => master.Group.Detach(domain));
        AssertOff();
        Assert.NotEqual(0, accesses);

        void AssertOff() => Assert.All(unit.Device.Clocks.Values, clock => Assert.False(clock.IsOn));
    }

    [Theory]
    [InlineData(DmaAccess.Read, AccessFlags.None, Protection.None, FaultReason.NotMapped, FaultAccess.Read)]
    [InlineData(DmaAccess.Write, AccessFlags.None, Protection.Read, FaultReason.Protection, FaultAccess.Write)]
    [InlineData(DmaAccess.Read, AccessFlags.Instruction, Protection.ReadWrite | Protection.NoExecute, FaultReason.Protection,
        FaultAccess.Execute)]
    [InlineData(DmaAccess.Read, AccessFlags.None, Protection.Read | Protection.Privileged, FaultReason.Protection, FaultAccess.Read)]
    public void A_fault_tells_unit_bank_master_address_access_and_cause(DmaAccess access, AccessFlags flags, Protection protection,
        FaultReason reason, FaultAccess told)
    {
        var unit = _board.AddUnit();
        var masters = new[] { _board.AddMaster(unit), _board.AddMaster(unit) };
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        masters[1].Group.Attach(domain);
        if (protection != Protection.None)
            Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, protection));
        var heard = new List<FaultReport>();
        domain.FaultHandler = (in FaultReport report) =>
        {
            heard.Add(report);
            return FaultResponse.Unhandled;
        };
        var result = unit.Model.Translate(new BusRequest(new Requester(masters[1].Ports[1].Stream, null, flags), s_iova + 0x128, access));
        Assert.Equal(TranslationStatus.Stalled, result.Status);
        var fault = Assert.Single(heard);
        Assert.Equal((unit.Unit, masters[1].Device, 1, s_iova + 0x128, told, reason),
            (fault.Unit, fault.Device, fault.Context, fault.Address, fault.Access, fault.Reason));

        // The other master's bank goes on.
        var other = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, other.Map(s_iova, _board.Data + Page, Page, Protection.ReadWrite));
        masters[0].Group.Attach(other);
        masters[0].Reaches(s_iova, _board.Data + Page);
    }

    [Fact]
    public void A_table_that_cannot_be_read_is_told_as_such()
    {
        var unit = _board.AddUnit();
        var master = _board.AddMaster(unit);
        unit.On();
        SetClocks(unit, true);
        Assert.True(unit.Model.TryWrite(MsmContextRegisters.TableBase0, 4, 0));
        Assert.NotEqual(DmaStatus.Ok, master.TryRead(s_iova, out _));
        Assert.Equal(FaultReason.TableWalk, _board.Core.Faults[^1].Reason);
    }

    [Fact]
    public void Masters_with_a_machine_id_in_common_are_one_group()
    {
        var unit = _board.AddUnit();
        var masters = new[] { new Device("one"), new Device("other"), new Device("third") };
        Configure(masters[0], 4, 5);
        Configure(masters[1], 5, 6);
        Configure(masters[2], 7);
        Assert.Same(masters[0].Iommu!.Group, masters[1].Iommu!.Group);
        Assert.NotSame(masters[0].Iommu!.Group, masters[2].Iommu!.Group);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        masters[1].Iommu!.Group.Attach(domain);
        Assert.All(new uint[] { 4, 5, 6 }, machine => Assert.Equal(DmaStatus.Ok, Port(machine).Read(s_iova, new byte[8], out _)));

        // The one that goes does not take the common number with it.
        _board.Core.Release(masters[1]);
        Assert.Equal(DmaStatus.Ok, Port(5).Read(s_iova, new byte[8], out _));
        Assert.Equal(DmaStatus.Refused, Port(6).Read(s_iova, new byte[8], out _));

        void Configure(Device master, params uint[] machines) =>
            _board.Core.Configure(master, [.. machines.Select(machine => new IommuSpecifier(unit.Device, unit.Device.Name, [machine]))]);

        DmaPort Port(uint machine) => new(_board.Bus, unit.Model, new StreamId(machine));
    }

    [Fact]
    public void A_machine_id_beyond_the_unit_is_refused()
    {
        var unit = _board.AddUnit();
        var error = Assert.Throws<ApertureException>(() =>
            _board.Core.Configure(new Device("one"), [new IommuSpecifier(unit.Device, unit.Device.Name, [32])]));
        Assert.Equal(Status.OutOfRange, error.Status);
    }

    [Fact]
    public void An_identity_domain_is_a_bank_that_is_off()
    {
        _board.Core.DefaultDomainType = DomainType.Identity;
        var unit = _board.AddUnit();
        var masters = new[] { _board.AddMaster(unit), _board.AddMaster(unit) };
        unit.On();
        Assert.Equal(Status.Ok, Access(masters[0], _board.Data));
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        masters[0].Group.Attach(domain);
        masters[0].Reaches(s_iova, _board.Data);
        Assert.Equal(Status.Ok, Access(masters[1], _board.Data));
        masters[0].Group.Detach(domain);
        Assert.Equal(Status.Ok, Access(masters[0], _board.Data));

        static Status Access(MasterOnBoard master, PhysicalAddress address) =>
            master.TryRead(new Iova(address.Value), out _) == DmaStatus.Ok ? Status.Ok : Status.IoError;
    }

    private static uint Read(UnitOnBoard unit, uint offset)
    {
        SetClocks(unit, true);
        Assert.True(unit.Model.TryRead(offset, 4, out var value));
        SetClocks(unit, false);
        return (uint)value;
    }

    private static void SetClocks(UnitOnBoard unit, bool on)
    {
        foreach (var clock in unit.Device.Clocks.Values)
        {
            if (on)
                clock.Enable();
            else
                clock.Disable();
        }
    }

    [Fact]
    public void A_clock_that_did_not_start_went_through_an_invalidation_as_an_exception_and_left_the_other_clock_on()
    {
        var unit = _board.AddUnit();
        var master = _board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        unit.On();
        Assert.Equal(Status.Ok, domain.Map(s_iova, _board.Data, Page, Protection.ReadWrite));
        master.Reaches(s_iova, _board.Data);
        var isBroken = true;
        var (first, second) = (unit.Device.Clocks["smmu_pclk"], unit.Device.Clocks["iommu_clk"]);
        second.Changed += on =>
        {
            if (on && isBroken)
                throw new ApertureException(Status.TimedOut, "the clock does not start");
        };
        var gather = default(InvalidationGather);
        domain.Unmap(s_iova, Page, ref gather, out _);
        Assert.Equal(Status.TimedOut, domain.Commit(ref gather));
        Assert.Equal((0, 0), (first.UseCount, second.UseCount));
        Assert.Contains("the clock does not start", Assert.Single(_board.Core.Failures).Reason, StringComparison.Ordinal);
        Assert.True(domain.IsQuarantining);
        isBroken = false;
        Assert.Equal(Status.Ok, unit.Unit.TryReprogram());
        Assert.False(domain.IsQuarantining);
        master.IsRefused(s_iova);
    }
}
