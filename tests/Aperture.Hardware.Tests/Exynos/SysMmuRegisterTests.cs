using Aperture.Core;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;
using static Aperture.Hardware.Tests.Exynos.SysMmuHarness;

namespace Aperture.Hardware.Tests.Exynos;

public class SysMmuRegisterTests
{
    public static TheoryData<string> AllVersions => [.. Versions.Select(version => version.Name)];

    [Theory]
    [MemberData(nameof(AllVersions))]
    public void Only_aligned_words_are_answered(string version)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        foreach (var width in new[] { 0, 1, 2, 8 })
        {
            Assert.False(sysMmu.Unit.TryRead(0x34, width, out _));
            Assert.False(sysMmu.Unit.TryWrite(0x34, width, 0));
        }

        Assert.False(sysMmu.Unit.TryRead(0x36, 4, out _));
        Assert.False(sysMmu.Unit.TryRead(sysMmu.Unit.Size, 4, out _));
        sysMmu.Write(0x34, 0);
        Assert.Equal(sysMmu.Unit.Options.Version, sysMmu.Read(0x34));
    }

    [Theory]
    [InlineData("v1", 0x14u, 0x24u, 0x28u, 0x2Cu)]
    [InlineData("v3.3", 0x14u, 0x24u, 0x48u, 0x4Cu, 0x400u)]
    [InlineData("v5", 0x0Cu, 0x30u, 0x70u, 0x78u, 0x80u, 0x88u, 0x350u, 0x408u)]
    [InlineData("v7", 0x0Cu, 0x870u, 0x874u, 0x70u, 0x78u, 0x2000u, 0x8004u)]
    [InlineData("v7vm", 0x800Cu, 0x870u, 0x874u, 0x1000u, 0x1074u, 0x3008u)]
    public void Storage_keeps_and_read_only_registers_ignore_what_is_written(string version, uint storage, params uint[] readOnly)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.Write(storage, 0x12345678);
        Assert.Equal(0x12345678u, sysMmu.Read(storage));
        foreach (var offset in readOnly)
        {
            var before = sysMmu.Read(offset);
            sysMmu.Write(offset, ~before);
            Assert.Equal(before, sysMmu.Read(offset));
        }

        sysMmu.Write(4, 0xFFFFFFFF);
        sysMmu.Unit.SetReset(true);
        sysMmu.Unit.SetReset(false);
        Assert.Equal(0u, sysMmu.Read(4));
        Assert.Equal(0u, sysMmu.Read(storage));
    }

    [Theory]
    [InlineData(0x80000001u, 0u, 0u, SysMmuLayout.V1)]
    [InlineData(0x20000000u, 0x800u, 0x4000u, SysMmuLayout.V1)]
    [InlineData(0x40000000u, 0u, 0u, SysMmuLayout.V1)]
    [InlineData(0x60000000u, 0u, 0u, SysMmuLayout.V5)]
    [InlineData(0x70000000u, 0u, 0x4000u, SysMmuLayout.V7)]
    [InlineData(0x70000000u, 0x800u, 0u, SysMmuLayout.V7)]
    [InlineData(0x70000000u, 0x800u, 0x4000u, SysMmuLayout.V7Vm)]
    public void Layout_follows_the_version_and_capability_registers(uint version, uint capability0, uint capability1, SysMmuLayout layout)
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.ForVersion(version, capability0, capability1));
        Assert.Equal(layout, sysMmu.Unit.Options.Layout);
        Assert.Equal(version, sysMmu.Read(0x34));
    }

    [Fact]
    public void Reset_values_can_be_given()
    {
        using var sysMmu = new SysMmuHarness(
            SysMmuOptions.V1 with { ResetValues = new Dictionary<uint, uint> { [4] = 0x780, [0x30] = 0xDEAD0000, [0xFFFFF000] = 1 } });
        Assert.Equal(0x780u, sysMmu.Read(4));
        Assert.Equal(0xDEAD0000u, sysMmu.Read(0x30));
    }

    [Fact]
    public void Tlb_sizes_come_from_the_registers_that_tell_them()
    {
        Assert.Equal(512, Entries(SysMmuOptions.V2));
        Assert.Equal(16, Entries(SysMmuOptions.ForVersion(0x30600010)));
        Assert.Equal(32 + 256, Entries(SysMmuOptions.V5));
        Assert.Equal(8 + 64, Entries(SysMmuOptions.V7 with { Capability0 = 8 | (6 << 12) }));
        Assert.Equal(5, Entries(SysMmuOptions.V31 with { TlbWays = 5 }));

        static int Entries(SysMmuOptions options)
        {
            using var sysMmu = new SysMmuHarness(options);
            return sysMmu.Unit.CacheEntries;
        }
    }

    [Fact]
    public void Prefetch_buffers_are_selected_and_stored()
    {
        foreach (var (options, layout, select, start) in new[] { (SysMmuOptions.V33, 0x404u, 0x408u, 0x410u),
            (SysMmuOptions.V5, 0x300u, 0x308u, 0x320u) })
        {
            using var sysMmu = new SysMmuHarness(options);
            for (var i = 0u; i < 6; i++)
            {
                sysMmu.Write(select, i);
                sysMmu.Write(start, 0x1000 * (i + 1));
            }

            for (var i = 0u; i < 6; i++)
            {
                sysMmu.Write(select, i);
                Assert.Equal(i < 4 ? 0x1000 * (i + 1) : 0, sysMmu.Read(start));
            }

            sysMmu.Write(layout, 3); // leaves one
            sysMmu.Write(select, 1);
            Assert.Equal(0u, sysMmu.Read(start));
        }
    }

    [Theory]
    [InlineData("v3.3", 0x40u, 0x48u, 0x44u)]
    [InlineData("v5", 0x750u, 0x754u, 0x75Cu)]
    [InlineData("v7", 0x8000u, 0x8004u, 0x8008u)]
    [InlineData("v7vm", 0x3000u, 0x3004u, 0x3008u)]
    public void Debug_window_shows_the_tlb(string version, uint select, uint vpn, uint ppn)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.Section(0x300000, 0xA0000000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0x345678, 0xA0045678);
        sysMmu.Write(select, 0);
        Assert.Equal(0x300u, sysMmu.Read(vpn));
        Assert.Equal(0xA0000u, sysMmu.Read(ppn));
        foreach (var other in new[] { 1u, 0x100u, 0xFFFFFFFFu })
        {
            sysMmu.Write(select, other);
            Assert.Equal(0u, sysMmu.Read(vpn));
        }
    }

    [Fact]
    public void Second_tlbs_have_windows()
    {
        using var five = new SysMmuHarness(SysMmuOptions.V5 with { L2TlbConfigReset = 1 });
        five.Section(0x300000, 0xA0000000);
        five.Enable();
        five.AssertMapped(0x300000, 0xA0000000);
        Assert.Equal((0x300u, 0xA0000u), (five.Read(0x774), five.Read(0x77C)));
        five.Write(0x770, 0xFFFFFFFF);
        Assert.Equal(0u, five.Read(0x774));

        using var seven = new SysMmuHarness(SysMmuOptions.V7 with { L2TlbEntries = 4 });
        seven.Section(0x300000, 0xA0000000);
        seven.Enable();
        seven.AssertMapped(0x300000, 0xA0000000);
        Assert.Equal((0x300u, 0xA0000u), (seven.Read(0x8024), seven.Read(0x8028)));
        Assert.NotEqual(0u, seven.Read(0x802C) >> 28);
    }

    [Fact]
    public void Direct_fetch_loads_the_tlb_without_an_access()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.ForVersion(0x50200000));
        sysMmu.Section(0x300000, 0xA0000000);
        sysMmu.Enable();
        sysMmu.Write(0x400, 0x300000);
        sysMmu.Write(0x400, 0x300000);
        sysMmu.Write(0x400, 0x900000); // not mapped: dropped
        Assert.Equal(0u, sysMmu.Read(0x408));
        Assert.Equal(0u, sysMmu.Read(0x60));
        Assert.Equal(1u << 16, sysMmu.Read(0x764));
        sysMmu.Section(0x300000, 0xB0000000);
        sysMmu.AssertMapped(0x300000, 0xA0000000);
        sysMmu.Write(0x108, 1);
        Assert.Equal(0u, sysMmu.Read(0x764));
        Assert.Equal(0ul, sysMmu.Unit.Counters.Misses);
    }

    [Fact]
    public void Impossible_units_are_refused()
    {
        var bus = new SysMmuHarness(SysMmuOptions.V1);
        foreach (var options in new[]
        {
            SysMmuOptions.V1 with { WindowSize = 0x10 }, SysMmuOptions.V1 with { WindowSize = 0x1002 },
                SysMmuOptions.V1 with { TlbBanks = 3 },
            SysMmuOptions.V1 with { TlbWays = -1 }, SysMmuOptions.V1 with { L2TlbEntries = -1 },
                SysMmuOptions.V1 with { FlpdCacheEntries = 3 },
            SysMmuOptions.V1 with { FaultingPageBlock = 0x1800 }, SysMmuOptions.V1 with { FirstLevelTypeBits = 4 },
            SysMmuOptions.V1 with { PrefetchBuffers = 5 }, SysMmuOptions.V7Vm with { VidOfStream = [8] },
        })
        {
            Assert.Throws<ApertureException>(() => new ExynosSysMmu(bus.Bus, options));
        }

        bus.Dispose();
    }

    [Fact]
    public void Type_bits_and_table_alignment_follow_their_options()
    {
        using var three = new SysMmuHarness(SysMmuOptions.V7 with { FirstLevelTypeBits = 3 });
        three.Store(Table, 0x0A000006);
        three.Enable();
        Assert.Equal(TranslationStatus.Stalled, three.Translate(0, DmaAccess.Read, out _));

        using var aligned = new SysMmuHarness(SysMmuOptions.V1);
        aligned.Section(0, 0xA0000000);
        aligned.Enable(Table + 0x1000);
        aligned.AssertMapped(0, 0xA0000000);

        using var free = new SysMmuHarness(SysMmuOptions.V1 with { AlignsTableBase = false });
        free.Section(0, 0xA0000000, table: Table + 0x1000);
        free.Enable(Table + 0x1000);
        free.AssertMapped(0, 0xA0000000);
    }
}
