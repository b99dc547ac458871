using Aperture.Core;
using Aperture.Datasheets.Omap;
using Aperture.Hardware.Omap;

namespace Aperture.Hardware.Tests.Omap;

public class OmapRegisterTests
{
    public static TheoryData<string, OmapMmuOptions> Presets => new()
    {
        { nameof(OmapMmuOptions.Omap2), OmapMmuOptions.Omap2 },
        { nameof(OmapMmuOptions.Omap3), OmapMmuOptions.Omap3 },
        { nameof(OmapMmuOptions.Omap3Isp), OmapMmuOptions.Omap3Isp },
        { nameof(OmapMmuOptions.Omap4Dsp), OmapMmuOptions.Omap4Dsp },
        { nameof(OmapMmuOptions.Omap4Ipu), OmapMmuOptions.Omap4Ipu },
        { nameof(OmapMmuOptions.Omap5Dsp), OmapMmuOptions.Omap5Dsp },
        { nameof(OmapMmuOptions.Omap5Ipu), OmapMmuOptions.Omap5Ipu },
        { nameof(OmapMmuOptions.Dra7Dsp), OmapMmuOptions.Dra7Dsp },
        { nameof(OmapMmuOptions.Dra7Ipu), OmapMmuOptions.Dra7Ipu },
    };

    [Theory]
    [MemberData(nameof(Presets))]
    public void Reset_values(string name, OmapMmuOptions options)
    {
        using var rig = new OmapRig(options);
        Assert.True(options.WindowSize >= 0x60);
        for (uint offset = 0; offset < options.WindowSize; offset += 4)
        {
            var expected = offset switch { 0 => options.Revision, OmapRegisters.SysStatus => 1u, _ => 0u };
            Assert.True(expected == rig[offset], $"{name}: 0x{offset:x}");
        }
    }

    [Theory]
    [MemberData(nameof(Presets))]
    public void Only_defined_bits_are_kept_and_read_only_registers_stay(string name, OmapMmuOptions options)
    {
        using var rig = new OmapRig(options);
        Assert.True(options.WindowSize >= 0x60);
        for (uint offset = 0; offset < options.WindowSize; offset += 4)
        {
            if (offset == OmapRegisters.SysConfig)
                continue; // would reset
            rig[offset] = 0xFFFF_FFFF;
            var dra7 = options.HasMsbRegisters;
            uint expected = offset switch
            {
                OmapRegisters.Revision => options.Revision,
                OmapRegisters.SysStatus => 1u,
                OmapRegisters.IrqEnable => 0x1Fu,
                OmapRegisters.Control => 0xEu,
                OmapRegisters.TableBase => 0xFFFF_FF80u,
                OmapRegisters.Lock => 0x7DF0u,
                OmapRegisters.Cam => 0xFFFF_F00Fu,
                OmapRegisters.Ram => 0xFFFF_F3C0u,
                OmapRegisters.TableBaseMsb or OmapRegisters.RamMsb when dra7 => 0xFu,
                OmapRegisters.GpReg =>
                    options.GpRegister switch { OmapGpRegister.None => 0u, OmapGpRegister.BusErrorBack => 1u, _ => 0xFFFF_0001u },
                0x90 or 0x98 or 0xA0 or 0xA8 when dra7 => 0xFFFF_0000u,
                0x94 or 0x9C or 0xA4 or 0xAC when dra7 => 0xFu,
                _ => 0u,
            };
            Assert.True(expected == rig[offset], $"{name}: 0x{offset:x} 0x{rig[offset]:x}");
        }
    }

    [Fact]
    public void Takes_aligned_32_bit_accesses_only()
    {
        using var rig = new OmapRig();
        foreach (var width in (int[])[1, 2, 8])
        {
            Assert.False(rig.Mmu.TryRead(0, width, out _));
            Assert.False(rig.Mmu.TryWrite(OmapRegisters.Control, width, 2));
        }

        Assert.False(rig.Mmu.TryRead(2, 4, out _));
        Assert.False(rig.Mmu.TryRead(0x80, 4, out _));
        Assert.False(rig.Mmu.TryWrite(0x80, 4, 0));
    }

    [Fact]
    public void Soft_reset_clears_everything()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3 with { ResetDoneReads = 2 });
        rig.Enable();
        rig.Load(4, new OmapCam(0x1000_0000, OmapPageSize.Section, preserved: true), 0xA000_0000);
        rig.AssertStalls(0x2000_0000, OmapFault.Translation);
        rig[OmapRegisters.SysConfig] = 0x11;
        Assert.Equal(0x11u, rig[OmapRegisters.SysConfig]);
        rig[OmapRegisters.SysConfig] = 0x13;
        Assert.Equal(0u, rig[OmapRegisters.SysStatus]);
        Assert.Equal(0u, rig[OmapRegisters.SysStatus]);
        for (uint offset = 4; offset < 0x80; offset += 4)
            Assert.Equal(offset == OmapRegisters.SysStatus ? 1u : 0, rig[offset]);
        Assert.Equal((0u, 0u), rig.Entry(4));
        Assert.False(rig.Mmu.IsStalled);
        Assert.False(rig.Mmu.Interrupt.IsAsserted);
    }

    [Fact]
    public void Global_flush_spares_preserved_entries_and_flush_entry_does_not()
    {
        using var rig = new OmapRig();
        rig.Enable();
        rig.Load(0, new OmapCam(0x1000_0000, OmapPageSize.Supersection, preserved: true), 0xA000_03C0);
        rig.Load(31, new OmapCam(0x2000_0000, OmapPageSize.LargePage), 0xB000_0000);
        rig[OmapRegisters.GlobalFlush] = 0;
        Assert.Equal(0x2000_0005u, rig.Entry(31).Cam);
        rig[OmapRegisters.GlobalFlush] = 1;
        Assert.Equal((0x1000_000Fu, 0xA000_03C0u), rig.Entry(0));
        Assert.Equal((0u, 0u), rig.Entry(31));
        rig[OmapRegisters.Cam] = new OmapCam(0x10FF_F000, OmapPageSize.SmallPage).Bits; // the entry's own size counts
        rig[OmapRegisters.FlushEntry] = 0;
        Assert.NotEqual(0u, rig.Entry(0).Cam);
        rig[OmapRegisters.FlushEntry] = 1;
        Assert.Equal((0u, 0u), rig.Entry(0));
    }

    [Fact]
    public void Flushed_and_reloaded_entry_does_not_hit_twice()
    {
        using var rig = new OmapRig();
        rig.Enable().Map(0x1000_0000, 0xA000_0000);
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        var (cam, ram) = rig.Entry(0);
        rig[OmapRegisters.Lock] = 0;
        rig[OmapRegisters.Cam] = cam;
        rig[OmapRegisters.Ram] = ram;
        rig[OmapRegisters.FlushEntry] = 1;
        rig[OmapRegisters.LoadTlb] = 1;
        rig.AssertTranslates(0x1000_0000, 0xA000_0000);
        rig[OmapRegisters.FlushEntry] = 1;
        Assert.Equal((0u, 0u), rig.Entry(0));
    }

    [Fact]
    public void Loading_an_invalid_entry_empties_the_slot_or_does_nothing()
    {
        foreach (var loads in (bool[])[true, false])
        {
            using var rig = new OmapRig(OmapMmuOptions.Omap3 with { LoadsInvalidEntries = loads });
            rig.Enable();
            rig.Load(5, new OmapCam(0x1000_0000, OmapPageSize.Section), 0xA000_0000);
            rig.AssertTranslates(0x1000_0000, 0xA000_0000);
            rig.Load(5, new OmapCam(0x1230_0000), 0xB000_0000);
            Assert.Equal(loads ? (0x1230_0000u, 0xB000_0000u) : (0x1000_0004u, 0xA000_0000u), rig.Entry(5));
            if (loads)
                rig.AssertStalls(0x1000_0000, OmapFault.Translation);
        }
    }

    [Theory]
    [InlineData(OmapVictimOverflow.Wrap, 0x1000_0004u)]
    [InlineData(OmapVictimOverflow.NoEntry, 0u)]
    public void Victim_beyond_the_last_entry(OmapVictimOverflow option, uint cam)
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap3Isp with { VictimOverflow = option });
        rig.Load(8 + 3, new OmapCam(0x1000_0000, OmapPageSize.Section), 0xA000_0000);
        Assert.Equal(new OmapLock(0, 11).Bits, rig[OmapRegisters.Lock]);
        Assert.Equal(cam, rig[OmapRegisters.ReadCam]);
        Assert.Equal(cam, rig.Entry(3).Cam);
    }

    [Theory]
    [InlineData(OmapUnknownRegisters.ReadZero)]
    [InlineData(OmapUnknownRegisters.Storage)]
    [InlineData(OmapUnknownRegisters.BusError)]
    public void Offsets_without_a_register(OmapUnknownRegisters option)
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap4Dsp with { UnknownRegisters = option });
        foreach (var offset in (uint[])[0x04, 0x20, 0x74, 0x88, 0x90, 0xFC])
        {
            Assert.Equal(option != OmapUnknownRegisters.BusError, rig.Mmu.TryWrite(offset, 4, 0x1234));
            Assert.Equal(option != OmapUnknownRegisters.BusError, rig.Mmu.TryRead(offset, 4, out var value));
            Assert.Equal(option == OmapUnknownRegisters.Storage ? 0x1234ul : 0, value);
        }
    }

    [Fact]
    public void All_words_can_be_saved_and_restored()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap4Ipu);
        rig.Enable();
        rig.Load(7, new OmapCam(0x1000_0000, OmapPageSize.Section), 0xA000_0000);
        var saved = Enumerable.Range(0, 64).Select(i => rig[(uint)i * 4]).ToArray();
        rig.Mmu.SetReset(true);
        rig.Mmu.SetReset(false);
        for (uint i = 0; i < 64; i++)
            rig[i * 4] = saved[i];
        saved[OmapRegisters.ReadCam / 4] = saved[OmapRegisters.ReadRam / 4] = 0; // the TLB is not part of it
        Assert.Equal(saved, Enumerable.Range(0, 64).Select(i => rig[(uint)i * 4]));
    }

    [Fact]
    public void Poke_sets_what_software_cannot()
    {
        using var rig = new OmapRig(OmapMmuOptions.Omap4Dsp);
        rig[OmapRegisters.IrqEnable] = 0x1F;
        foreach (var offset in (uint[])[0x00, 0x14, 0x18, 0x48, 0x70, 0x80, 0x84])
        {
            rig.Mmu.Poke(offset, 0xFFFF_FFE1);
            Assert.Equal(0xFFFF_FFE1, rig[offset]);
        }

        Assert.True(rig.Mmu.Interrupt.IsAsserted);
        rig.Mmu.Poke(OmapRegisters.IrqStatus, 0xFFFF_FFE0);
        Assert.False(rig.Mmu.Interrupt.IsAsserted);
        rig.Mmu.Poke(0xFC, 1);
        rig.Mmu.Poke(0x1000, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => rig.Mmu.SetEntry(32, 0, 0));
    }

    [Theory]
    [InlineData(0, 0x100u)]
    [InlineData(33, 0x100u)]
    [InlineData(8, 0x6Cu)]
    [InlineData(8, 0x82u)]
    public void Impossible_options_are_refused(int entries, uint window) =>
        Assert.Throws<ApertureException>(() => new OmapRig(OmapMmuOptions.Omap3 with { TlbEntries = entries, WindowSize = window }));
}
