using Aperture.Core;
using Aperture.Core.PageTables.Formats;
using Aperture.Datasheets.Omap;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Drivers.Omap;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Omap;

/// <summary>What only the OMAP MMU has.</summary>
public sealed class OmapIommuTests : IDisposable
{
    private static readonly Iova s_iova = new(0x1000_0000);

    private readonly OmapBoard _board = new(OmapMmuOptions.Omap3Isp, new() { TlbEntries = 8 });
    private readonly UnitOnBoard _unit;
    private readonly MasterOnBoard _master;
    private readonly IommuDomain _domain;

    public OmapIommuTests()
    {
        _unit = _board.AddUnit();
        _master = _board.AddMaster(_unit);
        _unit.On();
        _domain = _unit.Unit.CreateDomain(DomainType.Unmanaged);
        _master.Group.Attach(_domain);
    }

    private OmapIommu Driver => (OmapIommu)_unit.Unit;

    private OmapMmu Model => (OmapMmu)_unit.Model;

    public void Dispose() => _board.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Locked_entries_survive_power_cycles_and_other_pages(bool losesState)
    {
        Assert.Equal(Status.Ok, Driver.LoadEntry(s_iova, _board.Data, 1 << 20, OmapFormat.Element32 | OmapFormat.Mixed, isLocked: true));
        Assert.Equal(Status.Ok, Driver.LoadEntry(s_iova + (2 << 20), _board.Data + (1 << 20), 1 << 16, isLocked: true));
        Assert.Equal(2, Driver.LockedEntries);
        Assert.Equal(Status.Ok, _domain.Map(s_iova + (8 << 20), _board.Data, 64 << 10, Protection.ReadWrite));
        _domain.Unmap(s_iova + (8 << 20), 64 << 10);
        _unit.Cycle(losesState);
        Assert.Equal(2, Driver.LockedEntries);
        _master.Reaches(s_iova + 0x3000, _board.Data + 0x3000);
        _master.Reaches(s_iova + (2 << 20), _board.Data + (1 << 20));
    }

    [Fact]
    public void A_locked_entry_goes_with_its_mapping_also_while_off()
    {
        Assert.Equal(Status.Ok, _domain.Map(s_iova, _board.Data, 4096, Protection.ReadWrite));
        Assert.Equal(Status.Ok, Driver.Prefetch(s_iova + 8, isLocked: true));
        _unit.Off();
        _domain.Unmap(s_iova, 4096);
        _unit.On();
        _master.IsRefused(s_iova);
    }

    [Fact]
    public void A_replaced_domain_takes_its_locked_entries_along()
    {
        Assert.Equal(Status.Ok, Driver.LoadEntry(s_iova, _board.Data, 4096, isLocked: true));
        _master.Reaches(s_iova, _board.Data);
        _master.Group.Replace(_unit.Unit.CreateDomain(DomainType.Unmanaged));
        Assert.Equal(0, Driver.LockedEntries);
        _master.IsRefused(s_iova);
    }

    [Fact]
    public void One_entry_is_always_left_to_the_walker()
    {
        for (var i = 0UL; i < 7; i++)
            Assert.Equal(Status.Ok, Driver.LoadEntry(s_iova + (i << 12), _board.Data, 4096, isLocked: true));
        Assert.Equal(Status.NoSpace, Driver.LoadEntry(s_iova + (7 << 12), _board.Data, 4096, isLocked: true));
        Assert.Equal(Status.InvalidArgument, Driver.LoadEntry(s_iova + 1, _board.Data, 4096));
        Assert.Equal(Status.InvalidArgument, Driver.LoadEntry(s_iova, _board.Data, 8192));
        Assert.Equal(Status.NotFound, Driver.Prefetch(s_iova));
        _unit.Off();
        Assert.Equal(Status.NoDevice, Driver.LoadEntry(s_iova, _board.Data, 4096));
    }

    [Theory]
    [InlineData(OmapFault.TlbMiss, FaultReason.CacheMiss)]
    [InlineData(OmapFault.Translation, FaultReason.NotMapped)]
    [InlineData(OmapFault.EmuMiss, FaultReason.CacheMiss)]
    [InlineData(OmapFault.TableWalk, FaultReason.TableWalk)]
    [InlineData(OmapFault.MultiHit, FaultReason.MultipleHit)]
    public void Every_cause_is_reported_and_acknowledged(OmapFault fault, FaultReason reason)
    {
        _domain.FaultHandler = (in FaultReport _) => FaultResponse.Retry;
        Model.Poke(OmapRegisters.IrqEnable, (uint)OmapFault.All);
        Model.Poke(OmapRegisters.FaultAddress, 0x1234_5678);
        Model.Poke(OmapRegisters.IrqStatus, (uint)fault);
        var report = Assert.Single(_board.Core.Faults);
        Assert.Equal(reason, report.Reason);
        Assert.Equal(new Iova(0x1234_5678), report.Address);
        Assert.Equal((uint)fault, report.Code);
        Assert.Equal(0u, Register(OmapRegisters.IrqStatus));
        Assert.Equal((uint)OmapFault.All, Register(OmapRegisters.IrqEnable));
    }

    [Fact]
    public void Two_entries_for_one_address_fault_and_a_flush_mends_it()
    {
        Assert.Equal(Status.Ok, _domain.Map(s_iova, _board.Data, 4096, Protection.ReadWrite));
        var cam = new OmapCam((uint)s_iova.Value, OmapPageSize.SmallPage).Bits;
        Model.SetEntry(1, cam, (uint)_board.Data.Value);
        Model.SetEntry(2, cam, (uint)_board.Data.Value);
        var faults = 0;
        _domain.FaultHandler = (in FaultReport report) =>
        {
            faults++;
            Assert.Equal(FaultReason.MultipleHit, report.Reason);
            return Driver.FlushPage(report.Address) == Status.Ok ? FaultResponse.Retry : FaultResponse.Unhandled;
        };
        Assert.Equal(DmaStatus.Ok, _master.TryRead(s_iova, out _));
        Assert.Equal(1, faults);
    }

    [Fact]
    public void The_register_block_is_saved_and_restored()
    {
        Assert.Equal(Status.Ok, _domain.Map(s_iova, _board.Data, 4096, Protection.ReadWrite));
        Span<uint> words = stackalloc uint[64];
        Assert.Equal(32, Driver.SaveContext(words));
        _unit.Model.SetPower(false);
        _unit.Model.SetPower(true);
        Driver.RestoreContext(words[..32]);
        _master.Reaches(s_iova, _board.Data);
    }

    [Theory]
    [InlineData("ti,omap4-iommu", 16, null, Status.InvalidArgument)]
    [InlineData("ti,omap4-iommu", 8, null, Status.Ok)]
    [InlineData("ti,dra7-dsp-iommu", 32, null, Status.InvalidArgument)]
    [InlineData("ti,dra7-dsp-iommu", 32, new uint[] { 7 }, Status.InvalidArgument)]
    [InlineData("ti,dra7-dsp-iommu", 32, new uint[] { 7, 2 }, Status.InvalidArgument)]
    [InlineData("ti,dra7-dsp-iommu", 32, new uint[] { 7, uint.MaxValue }, Status.InvalidArgument)]
    [InlineData("ti,dra7-dsp-iommu", 32, new uint[] { 7, 1 }, Status.Ok)]
    public void Bad_descriptions_are_refused(string compatible, uint entries, uint[]? system, Status expected)
    {
        var node = Node(compatible, entries, system);
        var device = new Device("1.mmu", node);
        device.Registers.Add(_unit.Device.Registers[0]);
        device.Registers.Add(_unit.Device.Registers[0]);
        device.Interrupts.Add(new Interrupt("irq"));
        var driver = new OmapIommuDriver(_board.Core);
        if (expected == Status.Ok)
            Assert.Equal((int)entries, Assert.IsType<OmapIommu>(driver.Probe(device)).TlbEntries);
        else
            Assert.Equal(expected, Assert.Throws<ApertureException>(() => driver.Probe(device)).Status);
    }

    [Fact]
    public void A_unit_without_an_interrupt_is_no_device()
    {
        var device = new Device("1.mmu");
        device.Registers.Add(_unit.Device.Registers[0]);
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => new OmapIommuDriver(_board.Core).Probe(device)).Status);
    }

    private uint Register(uint offset) => _unit.Device.Registers[0].Read32(offset);

    private static DeviceTreeNode Node(string compatible, uint entries, uint[]? system)
    {
        var writer = new DeviceTreeWriter().BeginNode("").BeginNode("mmu@1").Strings("compatible", compatible)
            .Cells("ti,#tlb-entries", entries);
        if (system is not null)
            writer.Cells("ti,syscon-mmuconfig", system);
        return DeviceTree.Parse(writer.EndNode().EndNode().ToArray()).Find("/mmu@1")!;
    }
}
