using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Omap;

public class OmapFaultTests
{
    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(0x8000_4003u)]
    public void Invalid_first_level_descriptor_stalls_until_status_is_cleared(uint descriptor)
    {
        using var rig = new OmapRig();
        rig.Enable().Store(OmapRig.L1 + (0x100 << 2), descriptor);
        rig.AssertStalls(0x1000_0004, OmapFault.Translation);
        Assert.True(rig.Mmu.Interrupt.IsAsserted);
        rig.Map(0x1000_0000, 0xA000_0000);
        Assert.Equal(TranslationStatus.Stalled, rig.Access(0x1000_0004, out _));
        rig[OmapRegisters.IrqStatus] = 0x1D; // every bit but this one
        Assert.True(rig.Mmu.IsStalled);
        rig[OmapRegisters.IrqStatus] = 2;
        Assert.False(rig.Mmu.Interrupt.IsAsserted);
        rig.AssertTranslates(0x1000_0004, 0xA000_0004);
    }

    [Fact]
    public void Invalid_second_level_descriptor_is_a_translation_fault()
    {
        using var rig = new OmapRig();
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        rig.AssertStalls(0x1000_1000, OmapFault.Translation);
    }

    [Theory]
    [InlineData(0x0000_0000u, 0u)]
    [InlineData(OmapRig.L1, 0x4000_0001u)]
    public void Bus_error_of_either_level_is_a_table_walk_fault(uint tableBase, uint descriptor)
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap4Dsp);
        rig.Enable().Store(OmapRig.L1 + (0x100 << 2), descriptor);
        rig[OmapRegisters.TableBase] = tableBase;
        rig.AssertStalls(0x1000_1000, OmapFault.TableWalk);
        Assert.Equal(OmapFaultStatus.TableWalkId, new OmapFaultStatus(rig[OmapRegisters.FaultStatus]).TransactionId);
    }

    [Fact]
    public void Nothing_else_is_processed_while_an_access_is_held()
    {
        using var rig = new OmapRig();
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        rig.AssertStalls(0x2000_0000, OmapFault.Translation);
        Assert.Equal(TranslationStatus.Stalled, rig.Access(0x1000_0000, out _));
        Assert.Equal(0x2000_0000u, rig[OmapRegisters.FaultAddress]);
        Assert.Equal(1ul, rig.Mmu.Counters.Faults);
    }

    [Fact]
    public void Miss_without_walker_waits_for_an_entry_and_not_for_the_status()
    {
        using var rig = new OmapRig();
        rig.Enable(walker: false).Map(0x1000_0000, 0xA000_0000);
        rig.AssertStalls(0x1000_0004, OmapFault.TlbMiss);
        rig[OmapRegisters.IrqStatus] = 1;
        Assert.True(rig.Mmu.IsStalled);
        rig.Load(0, new OmapCam(0x1000_0000 | (uint)OmapPageSize.SmallPage), 0xB000_0000); // V = 0
        Assert.True(rig.Mmu.IsStalled);
        rig.Load(0, new OmapCam(0x1000_0000, OmapPageSize.SmallPage), 0xB000_0000);
        Assert.False(rig.Mmu.IsStalled);
        rig.AssertTranslates(0x1000_0004, 0xB000_0004);
    }

    [Fact]
    public void Miss_without_walker_may_be_released_by_the_status()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3 with { StatusReleasesTlbMiss = true });
        rig.Enable(walker: false);
        rig.AssertStalls(0x1000_0004, OmapFault.TlbMiss);
        rig[OmapRegisters.IrqStatus] = 1;
        Assert.False(rig.Mmu.IsStalled);
    }

    [Fact]
    public void Handler_that_loads_the_entry_lets_the_same_access_through()
    {
        using var rig = new OmapRig();
        rig.Enable(walker: false);
        var interrupts = 0;
        rig.Mmu.Interrupt.Changed = asserted =>
        {
            if (!asserted)
                return;
            interrupts++;
            var address = rig[OmapRegisters.FaultAddress];
            rig[OmapRegisters.IrqStatus] = rig[OmapRegisters.IrqStatus];
            rig.Load(interrupts % 32, new OmapCam(address, OmapPageSize.SmallPage), (address + 0x5000_0000) & 0xFFFFF000);
        };
        for (uint i = 0; i < 100; i++)
            rig.AssertTranslates(0x1000_0010 + (i << 12), 0x6000_0010 + (i << 12));
        Assert.Equal(100, interrupts);
    }

    [Fact]
    public void Retries_are_bounded()
    {
        using var rig = new OmapRig(maxRetries: 3);
        rig.Enable();
        var interrupts = 0;
        rig.Mmu.Interrupt.Changed = asserted =>
        {
            if (!asserted)
                return;
            interrupts++;
            rig[OmapRegisters.IrqStatus] = 0x1F;
        };
        Assert.Equal(TranslationStatus.Stalled, rig.Access(0x1000_0000, out _));
        Assert.False(rig.Mmu.IsStalled);
        Assert.Equal(4, interrupts);
    }

    [Fact]
    public void An_access_held_over_a_reset_is_lost()
    {
        using var rig = new OmapRig();
        rig.Enable();
        rig.Mmu.Interrupt.Changed = asserted =>
        {
            if (asserted)
                rig[OmapRegisters.SysConfig] = OmapSysConfig.SoftReset;
        };
        Assert.Equal(TranslationStatus.Aborted, rig.Access(0x1000_0000, out _));
        Assert.False(rig.Mmu.Interrupt.IsAsserted);
        Assert.False(rig.Mmu.IsStalled);
    }

    [Fact]
    public void Overlapping_entries_are_a_multiple_hit_when_accessed()
    {
        using var rig = new OmapRig();
        rig.Enable();
        rig.Load(3, new OmapCam(0x1000_0000, OmapPageSize.Section), 0xA000_0000);
        rig.Load(9, new OmapCam(0x1000_5000, OmapPageSize.SmallPage), 0xB000_0000);
        Assert.Equal(0u, rig[OmapRegisters.IrqStatus]);
        rig.AssertTranslates(0x1000_4000, 0xA000_4000);
        rig.AssertStalls(0x1000_5008, OmapFault.MultiHit);
        rig[OmapRegisters.Cam] = new OmapCam(0x1000_5000, OmapPageSize.SmallPage).Bits;
        rig[OmapRegisters.FlushEntry] = 1; // drops both
        rig[OmapRegisters.IrqStatus] = 0x10;
        rig.AssertStalls(0x1000_5008, OmapFault.Translation);
    }

    [Fact]
    public void A_long_transfer_through_a_section_meets_a_stale_small_page_inside_it()
    {
        using var rig = new OmapRig();
        rig.Enable().Map(0x1000_5000, 0xB000_0000);
        rig.AssertTranslates(0x1000_5000, 0xB000_0000);
        rig.Store(OmapRig.L1 + (0x100 << 2), 0xA000_0002);
        rig.AssertTranslates(0x1000_4000, 0xA000_4000);
        Assert.Equal(0xFF8ul, Contiguous(0x1000_4008));
        rig.AssertStalls(0x1000_5000, OmapFault.MultiHit);
        rig[OmapRegisters.IrqStatus] = 0x10;
        rig[OmapRegisters.Cam] = new OmapCam(0x1000_5000, OmapPageSize.SmallPage).Bits;
        rig[OmapRegisters.FlushEntry] = 1;
        Assert.Equal(0xF_BFF8ul, Contiguous(0x1000_4008));

        ulong Contiguous(uint address)
        {
            Assert.Equal(TranslationStatus.Ok,
                rig.Mmu.Translate(new BusRequest(default, new Iova(address), DmaAccess.Read), out _, out var contiguous));
            return contiguous;
        }
    }

    [Theory]
    [InlineData(OmapMultiHit.AtLookup, 0u)]
    [InlineData(OmapMultiHit.AtLookupAndLoad, 0x10u)]
    [InlineData(OmapMultiHit.Never, 0u)]
    public void Overlap_may_be_noticed_when_loaded(OmapMultiHit option, uint status)
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3 with { MultiHit = option });
        rig.Enable();
        rig.Load(3, new OmapCam(0x1000_0000, OmapPageSize.Section), 0xA000_0000);
        rig.Load(9, new OmapCam(0x1000_5000, OmapPageSize.SmallPage), 0xB000_0000);
        Assert.Equal(status, rig[OmapRegisters.IrqStatus]);
        Assert.False(rig.Mmu.IsStalled);
        if (option == OmapMultiHit.Never)
            rig.AssertTranslates(0x1000_5000, 0xA000_5000);
    }

    [Fact]
    public void Bus_error_back_aborts_and_still_interrupts()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap4Ipu);
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        rig[OmapRegisters.GpReg] = 1;
        Assert.Equal(TranslationStatus.Aborted, rig.Access(0x2000_0000, out _));
        Assert.True(rig.Mmu.Interrupt.IsAsserted);
        Assert.False(rig.Mmu.IsStalled);
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        Assert.Equal(TranslationStatus.Aborted, rig.Access(0x3000_0000, out _));
        Assert.Equal(0x2000_0000u, rig[OmapRegisters.FaultAddress]);
        rig[OmapRegisters.Control] = OmapControl.MmuEnable;
        Assert.Equal(TranslationStatus.Aborted, rig.Access(0x3000_0000, out _));
        Assert.Equal(3u, rig[OmapRegisters.IrqStatus]);
    }

    [Fact]
    public void Second_fault_may_overwrite_the_address()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap4Ipu with { SecondFault = OmapSecondFault.Overwrite });
        rig.Enable();
        rig[OmapRegisters.GpReg] = 1;
        rig.Access(0x2000_0000, out _);
        rig.Access(0x3000_0000, out _);
        Assert.Equal(0x3000_0000u, rig[OmapRegisters.FaultAddress]);
    }

    [Fact]
    public void Dsp_variant_has_no_bus_error_back_but_an_interrupt_gate()
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Dsp);
        rig.Enable();
        rig[OmapRegisters.GpReg] = 0xABCD_FFFF;
        Assert.Equal(0xABCD_0001u, rig[OmapRegisters.GpReg]);
        rig.AssertStalls(0x2000_0000, OmapFault.Translation);
        Assert.False(rig.Mmu.Interrupt.IsAsserted);
        rig[OmapRegisters.GpReg] = 0;
        Assert.True(rig.Mmu.Interrupt.IsAsserted);
    }

    [Fact]
    public void Debugger_miss_without_walker_is_an_emu_miss()
    {
        using var rig = new OmapRig();
        rig.Enable(walker: false);
        Assert.Equal(TranslationStatus.Stalled, rig.Access(0x1000_0004, out _, debug: true));
        Assert.Equal(4u, rig[OmapRegisters.IrqStatus]);
        Assert.Equal(0x1000_0004u, rig[OmapRegisters.EmuFaultAddress]);
        rig[OmapRegisters.IrqStatus] = 4;
        Assert.False(rig.Mmu.IsStalled);
    }

    [Fact]
    public void Debugger_fault_with_walker_is_a_bus_error_without_interrupt()
    {
        using var rig = new OmapRig();
        rig.Enable();
        Assert.Equal(TranslationStatus.Aborted, rig.Access(0x1000_0004, out _, debug: true));
        Assert.Equal(0u, rig[OmapRegisters.IrqStatus]);
        Assert.Equal(0u, rig[OmapRegisters.FaultAddress]);
        Assert.Equal(0x1000_0004u, rig[OmapRegisters.EmuFaultAddress]);
    }

    [Theory]
    [InlineData(DmaAccess.Read, 3, true, 0, false)]
    [InlineData(DmaAccess.Write, 3, true, 0, true)]
    [InlineData(DmaAccess.Write, 3, false, 0, false)]
    [InlineData(DmaAccess.Read, 0x12, true, 1, false, true)]
    public void Fault_status_holds_the_first_fault(
        DmaAccess access, ushort id, bool writeIsOne, int type, bool readWrite, bool fetch = false)
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap4Ipu with { FaultStatusWriteIsOne = writeIsOne });
        rig.Enable();
        rig[OmapRegisters.GpReg] = 1;
        rig.Access(0x2000_0000, out _, access, id: id, fetch: fetch);
        rig.Access(0x2000_0000, out _, DmaAccess.Read, id: 1);
        Assert.Equal(new OmapFaultStatus(type, readWrite, id & 0xF).Bits, rig[OmapRegisters.FaultStatus]);
        rig[OmapRegisters.FaultStatus] = 1;
        Assert.False(new OmapFaultStatus(rig[OmapRegisters.FaultStatus]).IsIndicated);
        rig.Access(0x2000_0000, out _, DmaAccess.Read, id: 1);
        Assert.Equal(1, new OmapFaultStatus(rig[OmapRegisters.FaultStatus]).TransactionId);
    }

    [Fact]
    public void Dma_ports_of_a_dsp_have_their_own_fault_type()
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Dsp);
        rig.Enable();
        rig.Access(0x2000_0000, out _, DmaAccess.Write, id: 2);
        Assert.Equal(new OmapFaultStatus(2, true, 2).Bits, rig[OmapRegisters.FaultStatus]);
    }

    [Fact]
    public void Status_is_set_though_the_interrupt_is_masked()
    {
        using var rig = new OmapRig();
        rig.Enable();
        rig[OmapRegisters.IrqEnable] = 0;
        rig.AssertStalls(0x1000_0000, OmapFault.Translation);
        Assert.False(rig.Mmu.Interrupt.IsAsserted);
        rig[OmapRegisters.IrqEnable] = 0xFFFF_FFFF;
        Assert.Equal(0x1Fu, rig[OmapRegisters.IrqEnable]);
        Assert.True(rig.Mmu.Interrupt.IsAsserted);
    }
}
