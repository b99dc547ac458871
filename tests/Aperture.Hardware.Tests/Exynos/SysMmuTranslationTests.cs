using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;
using static Aperture.Hardware.Tests.Exynos.SysMmuHarness;

namespace Aperture.Hardware.Tests.Exynos;

public class SysMmuTranslationTests
{
    private const ulong Second = Ram + 0x8000;

    public static TheoryData<string> AllVersions => [.. Versions.Select(version => version.Name)];

    [Theory]
    [MemberData(nameof(AllVersions))]
    public void All_page_sizes_translate_to_the_end_of_the_page(string version)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.Section(0x00300000, 0xA0000000);
        sysMmu.Link(0x00400000, Second);
        sysMmu.Page(0x00410000, Second, 0xA0120000, large: true);
        sysMmu.Page(0x00401000, Second, 0xA0055000);
        sysMmu.Enable();
        for (var pass = 0; pass < 2; pass++) // walked, then from the TLB
        {
            sysMmu.AssertMapped(0x00300000, 0xA0000000);
            sysMmu.AssertMapped(0x003FFFFF, 0xA00FFFFF, DmaAccess.Write);
            sysMmu.AssertMapped(0x0041ABCD, 0xA012ABCD, DmaAccess.Read);
            sysMmu.AssertMapped(0x00401FFC, 0xA0055FFC);
        }

        sysMmu.Unit.Translate(new BusRequest(default, new Iova(0x0041ABCD), DmaAccess.Read), out _, out var contiguous);
        Assert.Equal(version == "v2" ? 0x1000u - 0xBCD : 0x10000u - 0xABCD, contiguous); // each set of version 2 holds its own part
        Assert.True(sysMmu.Unit.Counters.Hits >= 4);
    }

    [Theory]
    [InlineData("v5")]
    [InlineData("v7")]
    [InlineData("v7vm")]
    public void Version_5_on_reaches_36_bits(string version)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.Section(0x00300000, 0xF_A5A0_0000);
        sysMmu.Link(0x00400000, Second);
        sysMmu.Page(0x00410000, Second, 0xF_1234_0000, large: true);
        sysMmu.Page(0x00401000, Second, 0x8_7654_3000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0x00345678, 0xF_A5A4_5678);
        sysMmu.AssertMapped(0x00411111, 0xF_1234_1111);
        sysMmu.AssertMapped(0x00401001, 0x8_7654_3001);
    }

    [Theory]
    [MemberData(nameof(AllVersions))]
    public void Off_passes_through_and_blocked_holds(string version)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.AssertMapped(0x12345678, 0x12345678);
        sysMmu.Section(0, 0xA0000000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0x1000, 0xA0001000);
        foreach (var blocked in new[] { 7u, 3u })
        {
            sysMmu.Write(0, blocked);
            Assert.Equal(1u, sysMmu.Read(8) & 1);
            Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
        }

        sysMmu.Write(0, 5);
        Assert.Equal(0u, sysMmu.Read(8));
        sysMmu.AssertMapped(0x1000, 0xA0001000);
        sysMmu.Write(0, 0);
        sysMmu.AssertMapped(0x1000, 0x1000);
    }

    [Fact]
    public void Blocked_status_comes_late_or_never()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V33 with { BlockDelayPolls = 2, StatusOtherBits = 0x10 });
        sysMmu.Write(0, 5);
        sysMmu.Write(0, 7);
        Assert.Equal([0x10u, 0x10u, 0x11u, 0x11u], Enumerable.Range(0, 4).Select(_ => sysMmu.Read(8)));
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0, DmaAccess.Read, out _));
        sysMmu.Unit.BlockDelayPolls = -1;
        sysMmu.Write(0, 5);
        sysMmu.Write(0, 7);
        Assert.All(Enumerable.Range(0, 200), _ => Assert.Equal(0x10u, sysMmu.Read(8)));
    }

    [Fact]
    public void Addresses_beyond_the_port_and_a_unit_without_power_abort()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V5);
        sysMmu.Section(0, 0xA0000000);
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(1ul << 32, DmaAccess.Read, out _));
        sysMmu.Enable();
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(1ul << 32, DmaAccess.Read, out _));
        sysMmu.AssertMapped(0, 0xA0000000);
        sysMmu.Unit.IsClocked = false;
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(0, DmaAccess.Read, out _));
        Assert.False(sysMmu.Unit.TryRead(0, 4, out _));
        Assert.False(sysMmu.Unit.TryWrite(0, 4, 0));
        sysMmu.Unit.IsClocked = true;
        sysMmu.AssertMapped(0, 0xA0000000);
        sysMmu.Unit.SetPower(false);
        sysMmu.Unit.SetPower(true);
        Assert.Equal(0u, sysMmu.Read(0));
        Assert.Equal(0x50000000u, sysMmu.Read(0x34));
        sysMmu.AssertMapped(0x1000, 0x1000);
    }

    [Theory]
    [InlineData(false, TranslationStatus.Ok)]
    [InlineData(true, TranslationStatus.Aborted)]
    public void A_disabled_unit_without_a_clock_lets_addresses_pass_unless_it_needs_one(bool needsClock, TranslationStatus expected)
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V31 with { BypassNeedsClock = needsClock });
        sysMmu.Unit.IsClocked = false;
        Assert.Equal(expected, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(1ul << 32, DmaAccess.Read, out _));
        sysMmu.Unit.SetReset(true);
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
        sysMmu.Unit.SetReset(false);
        sysMmu.Unit.SetPower(false);
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
    }

    [Theory]
    [InlineData(SysMmuAccess.None)]
    [InlineData(SysMmuAccess.Read)]
    [InlineData(SysMmuAccess.Write)]
    [InlineData(SysMmuAccess.ReadWrite)]
    public void Permissions_are_checked_only_with_the_configuration_bit(SysMmuAccess access)
    {
        foreach (var (name, options) in Versions)
        {
            using var sysMmu = new SysMmuHarness(options);
            sysMmu.Section(0x00300000, 0xA0000000, access);
            sysMmu.Link(0x00400000, Second);
            sysMmu.Page(0x00401000, Second, 0xA0055000, access);
            var effective = access == SysMmuAccess.Write && options.Layout == SysMmuLayout.V1 ? SysMmuAccess.ReadWrite : access;
            foreach (var address in new[] { 0x00300000u, 0x00401000u })
            {
                Expect(DmaAccess.Read, effective.HasFlag(SysMmuAccess.Read));
                Expect(DmaAccess.Write, effective.HasFlag(SysMmuAccess.Write));
                sysMmu.Enable();
                sysMmu.Write(4, 0);
                sysMmu.AssertMapped(address, address == 0x00300000 ? 0xA0000000 : 0xA0055000u, DmaAccess.Write);

                void Expect(DmaAccess kind, bool allowed)
                {
                    sysMmu.Enable();
                    var status = sysMmu.Translate(address, kind, out _);
                    Assert.True(allowed == (status == TranslationStatus.Ok), $"{name} {access} {kind}: {status}");
                }
            }
        }
    }

    [Fact]
    public void Permission_is_checked_on_tlb_hits_too()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V5);
        sysMmu.Section(0, 0xA0000000, SysMmuAccess.Read);
        sysMmu.Enable();
        sysMmu.AssertMapped(0, 0xA0000000);
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0, DmaAccess.Write, out _));
        Assert.Equal(0x80000u, sysMmu.Read(0x60));
    }

    [Fact]
    public void Virtual_machines_have_their_own_tables_and_tlb_entries()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V7Vm with { VidOfStream = [0, 3, 7] });
        sysMmu.Section(0, 0xA0000000);
        sysMmu.Section(0, 0xB0000000, table: Ram + 0x10000);
        sysMmu.Enable();
        sysMmu.Write(0xB00C, (uint)((Ram + 0x10000) >> 12));
        sysMmu.Write(0xB000, 9);
        sysMmu.AssertMapped(0x123, 0xA0000123, stream: 0);
        sysMmu.AssertMapped(0x123, 0xB0000123, stream: 1);
        sysMmu.AssertMapped(0x123, 0xA0000123, stream: 0);
        sysMmu.AssertMapped(0x123, 0xA0000123, stream: 99); // not wired: VID 0
        Assert.Equal(TranslationStatus.Aborted, sysMmu.Translate(0x123, DmaAccess.Read, out _, 2)); // VID 7 is off, and does not stall
        Assert.Equal(1u << 29, sysMmu.Read(0x60));

        // Flushing one machine leaves the others' entries alone.
        sysMmu.Section(0, 0xC0000000);
        sysMmu.Section(0, 0xD0000000, table: Ram + 0x10000);
        sysMmu.Write(0x8010, 1);
        sysMmu.AssertMapped(0x123, 0xC0000123, stream: 0);
        sysMmu.AssertMapped(0x123, 0xB0000123, stream: 1);
        sysMmu.Write(0xB014, 1);
        sysMmu.AssertMapped(0x123, 0xD0000123, stream: 1);
        sysMmu.Section(0, 0xE0000000);
        sysMmu.AssertMapped(0x123, 0xC0000123, stream: 0);
        sysMmu.Write(0x10, 1);
        sysMmu.AssertMapped(0x123, 0xE0000123, stream: 0);
    }

    [Theory]
    [InlineData(SysMmuDisabledVm.PassThrough, 0x123ul)]
    [InlineData(SysMmuDisabledVm.Translate, 0xA0000123ul)]
    public void A_disabled_virtual_machine_does_what_the_option_says(SysMmuDisabledVm option, ulong expected)
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V7Vm with { DisabledVm = option });
        sysMmu.Section(0, 0xA0000000);
        sysMmu.Enable();
        sysMmu.Write(0x8000, 0);
        sysMmu.AssertMapped(0x123, expected);
    }
}
