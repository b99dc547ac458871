using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Omap;

public class OmapTranslationTests
{
    [Fact]
    public void Disabled_mmu_passes_addresses_unchanged()
    {
        using var rig = new OmapRig();
        Assert.Equal(TranslationStatus.Ok,
            rig.Mmu.Translate(new BusRequest(default, new Iova(0xDEAD_BEEF), DmaAccess.Write), out var address, out var contiguous));
        Assert.Equal(new PhysicalAddress(0xDEAD_BEEF), address);
        Assert.Equal(0x1_0000_0000ul - 0xDEAD_BEEF, contiguous);
    }

    [Fact]
    public void Mmu_without_bypass_aborts_while_disabled()
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Ipu);
        Assert.Equal(TranslationStatus.Aborted, rig.Access(0x1000, out _));
    }

    [Fact]
    public void Addresses_beyond_32_bits_abort()
    {
        using var rig = new OmapRig();
        var request = new BusRequest(default, new Iova(1UL << 32), DmaAccess.Read);
        Assert.Equal(TranslationStatus.Aborted, rig.Mmu.Translate(request, out _, out _));
        rig.Enable();
        Assert.Equal(TranslationStatus.Aborted, rig.Mmu.Translate(request, out _, out _));
        Assert.False(rig.Mmu.IsStalled);
    }

    [Fact]
    public void Unpowered_unclocked_or_reset_unit_answers_nothing()
    {
        using var rig = new OmapRig();
        rig.Enable();
        rig.Mmu.IsClocked = false;
        AssertDead();
        rig.Mmu.IsClocked = true;
        Assert.Equal(6u, rig[OmapRegisters.Control]);
        rig.Mmu.SetReset(true);
        AssertDead();
        rig.Mmu.SetReset(false);
        Assert.Equal(0u, rig[OmapRegisters.Control]);
        rig.Enable();
        rig.Mmu.SetPower(false);
        AssertDead();
        rig.Mmu.SetPower(true);
        Assert.Equal(0u, rig[OmapRegisters.TableBase]);

        void AssertDead()
        {
            Assert.False(rig.Mmu.TryRead(0, 4, out _));
            Assert.False(rig.Mmu.TryWrite(OmapRegisters.Control, 4, 0));
            Assert.Equal(TranslationStatus.Aborted, rig.Access(0, out _));
        }
    }

    [Theory]
    [InlineData(0xA010_0002u, 20, 0xA010_0000u, 0u)]
    [InlineData(0xA012_8C02u, 20, 0xA010_0000u, 0x3C0u)]
    [InlineData(0xD004_0002u, 24, 0xD000_0000u, 3u)]
    [InlineData(0xD006_0802u, 24, 0xD000_0000u, 0x143u)]
    public void Walks_sections_and_keeps_their_attributes(uint descriptor, int shift, uint target, uint attributesAndSize)
    {
        using var rig = new OmapRig();
        rig.Enable().Store(OmapRig.L1 + (0x123 << 2), descriptor);
        var offset = 0x1234_5678u & ((1u << shift) - 1);
        rig.AssertTranslates(0x1234_5678, target | offset);
        var (cam, ram) = rig.Entry(0);
        Assert.Equal((0x1234_5678 & ~((1u << shift) - 1)) | 4 | (attributesAndSize & 3), cam);
        Assert.Equal(target | (attributesAndSize & ~3u), ram);
    }

    [Theory]
    [InlineData(0xA034_5002u, 12, 0xA034_5000u, 2u)]
    [InlineData(0xA034_5A33u, 12, 0xA034_5000u, 0x3C2u)]
    [InlineData(0xA034_0021u, 16, 0xA034_0000u, 0x101u)]
    public void Walks_pages_and_keeps_their_attributes(uint descriptor, int shift, uint target, uint attributesAndSize)
    {
        using var rig = new OmapRig();
        rig.Enable().Store(OmapRig.L1 + (0x123 << 2), OmapRig.L2 | 1 | 0x3FC); // other bits of a table descriptor are ignored
        rig.Store(OmapRig.L2 + (0x45 << 2), descriptor);
        rig.AssertTranslates(0x1234_5678, target | (0x1234_5678 & ((1u << shift) - 1)));
        var (cam, ram) = rig.Entry(0);
        Assert.Equal((0x1234_5678 & ~((1u << shift) - 1)) | 4 | (attributesAndSize & 3), cam);
        Assert.Equal(target | (attributesAndSize & ~3u), ram);
    }

    [Fact]
    public void Walks_the_descriptor_that_the_address_indexes_whatever_its_copies_say()
    {
        using var rig = new OmapRig();
        rig.Enable().Store(OmapRig.L1 + (0x120 << 2), 0xD004_0002);
        rig.Store(OmapRig.L1 + (0x121 << 2), 0xE004_0002);
        rig.AssertTranslates(0x1210_0004, 0xE010_0004);
    }

    [Theory]
    [InlineData(OmapTableIndexing.Add, 0x100u)]
    [InlineData(OmapTableIndexing.Or, 0x80u)]
    public void Misaligned_table_base(OmapTableIndexing indexing, uint offset)
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3 with { TableIndexing = indexing });
        rig.Enable();
        rig[OmapRegisters.TableBase] = OmapRig.L1 + 0x80 + 0x7F;
        Assert.Equal(OmapRig.L1 + 0x80, rig[OmapRegisters.TableBase]);
        rig.Store(OmapRig.L1 + offset, 0xA000_0002);
        rig.AssertTranslates(0x0200_0000, 0xA000_0000); // index 0x20: byte 0x80
    }

    [Fact]
    public void Walker_fills_unlocked_entries_in_turn_and_never_locked_ones()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3Isp);
        rig.Enable();
        rig.Load(0, new OmapCam(0x7000_0000, OmapPageSize.Section, preserved: true), 0xB000_0000);
        rig.Load(1, new OmapCam(0x7010_0000, OmapPageSize.Section), 0xB010_0000);
        rig[OmapRegisters.Lock] = new OmapLock(2, 2).Bits;
        for (uint page = 0; page < 20; page++)
        {
            rig.Map(0x1000_0000 + (page << 12), 0xA000_0000 + (page << 12));
            Assert.Equal(2 + (int)(page % 6), new OmapLock(rig[OmapRegisters.Lock]).Victim);
            rig.AssertTranslates(0x1000_0000 + (page << 12), 0xA000_0000 + (page << 12));
            Assert.Equal(0x1000_0006 + (page << 12), rig.Entry(2 + (int)(page % 6)).Cam);
        }

        rig.AssertTranslates(0x7000_1234, 0xB000_1234);
        rig.AssertTranslates(0x7010_1234, 0xB010_1234);
        Assert.Equal(2, new OmapLock(rig[OmapRegisters.Lock]).Base);
    }

    [Fact]
    public void Walker_with_every_entry_locked_translates_without_filling()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3Isp);
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        rig[OmapRegisters.Lock] = new OmapLock(8, 0).Bits;
        rig.AssertTranslates(0x1000_0010, 0xA000_0010);
        Assert.Equal(0u, rig.Entry(0).Cam);
        Assert.Equal(new OmapLock(8, 0).Bits, rig[OmapRegisters.Lock]);
    }

    [Fact]
    public void Victim_order_may_prefer_invalid_entries()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3Isp with { VictimOrder = OmapVictimOrder.InvalidFirst });
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        rig.Load(0, new OmapCam(0x7000_0000, OmapPageSize.Section), 0);
        rig[OmapRegisters.Lock] = new OmapLock(0, 5).Bits;
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        Assert.Equal(0x1000_0006u, rig.Entry(1).Cam);
    }

    [Fact]
    public void A_stale_entry_translates_until_it_is_flushed()
    {
        using var rig = new OmapRig();
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        rig.Map(0x1000_0000, 0xB000_0000);
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        rig[OmapRegisters.Cam] = new OmapCam(0x1000_0000, OmapPageSize.SmallPage).Bits;
        rig[OmapRegisters.FlushEntry] = 1;
        rig.AssertTranslates(0x1000_0000, 0xB000_0000);
        Assert.Equal(new TranslationCounters(1, 2, 1, 0), rig.Mmu.Counters);
    }

    [Fact]
    public void Debugger_walks_fill_only_when_allowed()
    {
        using var rig = new OmapRig();
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        Assert.Equal(TranslationStatus.Ok, rig.Access(0x1000_0004, out var target, debug: true));
        Assert.Equal(0xA000_0004, target);
        Assert.Equal(0u, rig.Entry(0).Cam);
        rig[OmapRegisters.Control] = OmapControl.Mask;
        Assert.Equal(TranslationStatus.Ok, rig.Access(0x1000_0004, out _, debug: true));
        Assert.Equal(0x1000_0006u, rig.Entry(0).Cam);
    }

    [Theory]
    [InlineData(OmapMsbUse.Ignored, 0u)]
    [InlineData(OmapMsbUse.TableAndLoads, 1u)]
    [InlineData(OmapMsbUse.WholeWalk, 2u)]
    public void Physical_address_extension(OmapMsbUse use, uint kind)
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Dsp with { MsbUse = use });
        rig.Enable().Store(OmapRig.L1 + (0x100 << 2), 0xA000_0002);
        rig[OmapRegisters.RamMsb] = 0xFF;
        rig.Load(0, new OmapCam(0x7000_0000, OmapPageSize.Section), 0xB000_0000);
        rig.Mmu.Translate(new BusRequest(default, new Iova(0x7000_0008), DmaAccess.Read), out var address, out _);
        Assert.Equal(use == OmapMsbUse.Ignored ? 0xB000_0008ul : 0xF_B000_0008ul, address.Value);
        rig[OmapRegisters.Lock] = 0;
        Assert.Equal(use == OmapMsbUse.Ignored ? 0u : 0xF, rig[OmapRegisters.ReadRamMsb]);
        rig[OmapRegisters.TableBaseMsb] = 1; // no RAM there: the table's read fails unless the register is ignored
        Assert.Equal(kind == 0 ? TranslationStatus.Ok : TranslationStatus.Stalled, rig.Access(0x1000_0000, out _));
    }

    [Fact]
    public void Bypass_regions_pass_addresses_where_their_encoding_is_enabled()
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Dsp with { BypassSize = OmapBypassSize.PowerOfTwo });
        rig.Enable().Store(OmapRig.L1 + (0x100 << 2), 0xA000_0002);
        rig.AssertTranslates(0x1001_0000, 0xA001_0000);
        rig[0x98] = 0x1001_FFFF; // region 2
        rig[0x9C] = 1;
        Assert.Equal(0x1001_0000u, rig[0x98]);
        rig.AssertTranslates(0x1001_FFFC, 0x1001_FFFC);
        rig.AssertTranslates(0x1002_0000, 0xA002_0000);
        rig.Mmu.Translate(new BusRequest(default, new Iova(0x1000_0010), DmaAccess.Read), out _, out var contiguous);
        Assert.Equal(0xFFF0ul, contiguous);
    }

    [Fact]
    public void System_enable_bits_gate_the_two_mmus_of_a_dsp()
    {
        using var rig = new OmapRig(OmapMmuOptions.Dra7Dsp);
        using var other = new OmapRig(OmapMmuOptions.Dra7Dsp);
        var system = new DspSystem();
        system.Connect(0, rig.Mmu);
        system.Connect(1, other.Mmu);
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        other.Enable().Map(0x1000_0000, 0xA000_0000);
        rig.AssertTranslates(0x1000_0000, 0x1000_0000);
        Assert.True(system.TryWrite(DspSystemRegisters.MmuConfig, 4, 0xFFFF_FFF0));
        Assert.True(system.TryRead(DspSystemRegisters.MmuConfig, 4, out var value));
        Assert.Equal(0x10ul, value);
        rig.AssertTranslates(0x1000_0000, 0x1000_0000);
        other.AssertTranslates(0x1000_0000, 0xA000_0000);
        Assert.True(system.TryWrite(DspSystemRegisters.MmuConfig, 4, 1));
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        other.AssertTranslates(0x1000_0000, 0x1000_0000);
        Assert.False(system.TryRead(DspSystemRegisters.MmuConfig, 2, out _));
        Assert.False(system.TryWrite(0x100, 4, 0));
    }
}
