using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Tegra;

public class TegraRegisterTests
{
    [Fact]
    public void Reset_values()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra30);
        Assert.Equal(0u, unit.Read(0x10));
        Assert.Equal(0x2000_0010u, unit.Read(0x14));
        Assert.Equal(0x2000_003Fu, unit.Read(0x18));
        Assert.Equal(0u, unit.Read(0x20));
        Assert.Equal(0x400u, unit.Unit.Size);
    }

    [Theory]
    [InlineData("tegra30", 0x2000003F, 0x20000010)]
    [InlineData("tegra114", 0x2000003F, 0x20000020)]
    [InlineData("tegra124", 0x2800003F, 0x30000020)]
    [InlineData("tegra132", 0x2800003F, 0x30000020)]
    [InlineData("tegra210", 0x2800003F, 0x30000030)]
    public void What_drivers_write_is_as_recorded(string soc, uint ptc, uint tlb)
    {
        var facts = TegraSoc.All.Single(candidate => candidate.Name == soc);
        Assert.Equal(ptc, TegraPtcConfig.For(facts).Value);
        Assert.Equal(tlb, TegraTlbConfig.For(facts).Value);
    }

    [Theory]
    [InlineData("tegra30", 4)]
    [InlineData("tegra124", 128)]
    public void The_table_register_is_one_for_each_address_space(string soc, int asids)
    {
        using var unit = new TegraHarness(TegraTranslationTests.Options(soc));
        for (var asid = 0; asid < asids; asid++)
        {
            unit.Write(0x1C, (uint)asid);
            unit.Write(0x20, 0xE000_0000 | (uint)asid);
        }

        for (var asid = 0; asid < asids; asid++)
        {
            unit.Write(0x1C, (uint)asid);
            Assert.Equal((uint)asid, unit.Read(0x1C));
            Assert.Equal(0xE000_0000 | (uint)asid, unit.Read(0x20));
            Assert.Equal(0xE000_0000 | (uint)asid, unit.Unit.TableData(asid));
        }

        unit.Write(0x1C, (uint)asids); // beyond the last: the low bits count
        Assert.Equal(0xE000_0000, unit.Read(0x20));
    }

    [Fact]
    public void Only_aligned_words_inside_are_answered()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        Assert.False(unit.Unit.TryRead(0x10, 8, out _));
        Assert.False(unit.Unit.TryRead(0x12, 4, out _));
        Assert.False(unit.Unit.TryWrite(0x1000, 4, 0));
        Assert.False(unit.Unit.TryWrite(0x10, 2, 0));
        unit.Unit.IsClocked = false;
        Assert.False(unit.Unit.TryRead(0x10, 4, out _));
        Assert.Equal(TranslationStatus.Aborted, unit.Translate(0x8000_0000, DmaAccess.Read, out _));
    }

    [Fact]
    public void Power_and_reset_lose_everything_a_clock_nothing()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124);
        foreach (var lose in (Action<TegraSmmu>[])[model => model.SetPower(false), model => model.SetReset(true), model =>
            model.IsClocked = false])
        {
            unit.Start();
            unit.Link(0x1000_0000);
            unit.Page(0x1000_0000, 0x8030_0000);
            unit.AssertMapped(0x1000_0000, 0x8030_0000);
            lose(unit.Unit);
            Assert.Equal(TranslationStatus.Aborted, unit.Translate(0x1000_0000, DmaAccess.Read, out _));
            var keeps = !unit.Unit.IsClocked;
            unit.Unit.SetPower(true);
            unit.Unit.SetReset(false);
            unit.Unit.IsClocked = true;
            unit.AssertMapped(0x1000_0000, keeps ? 0x8030_0000ul : 0x1000_0000);
        }
    }

    [Fact]
    public void Counters_show_while_they_are_on()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra210);
        unit.Start();
        unit.Link(0x1000_0000);
        unit.Page(0x1000_0000, 0x8030_0000);
        unit.AssertMapped(0x1000_0000, 0x8030_0000);
        unit.AssertMapped(0x1000_0000, 0x8030_0000);
        Assert.Equal(0u, unit.Read(0x1F0));
        unit.Write(0x14, unit.Read(0x14) | 1u << 31);
        unit.Write(0x18, unit.Read(0x18) | 1u << 31);
        Assert.Equal((1u, 1u, 3u, 2u), (unit.Read(0x1F0), unit.Read(0x1F4), unit.Read(0x1F8), unit.Read(0x1FC)));
        unit.Write(0x1F0, 0);
        Assert.Equal(1u, unit.Read(0x1F0));
    }

    [Theory]
    [InlineData("tegra30", 0x200u, 0x204u)]
    [InlineData("tegra124", 0x970u, 0x974u)]
    public void A_hot_reset_holds_the_clients_of_its_block_and_nobody_else(string soc, uint control, uint status)
    {
        using var unit = new TegraHarness(TegraTranslationTests.Options(soc));
        unit.Unit.DrainDelayPolls = 2;
        var reset = unit.Soc.HotResets.First(reset => reset.Swgroup != 0 && (reset.Bank == 1) == (control == 0x970));
        unit.Write(control, reset.Mask);
        Assert.Equal(TranslationStatus.Stalled, unit.Translate(0x8000_0000, DmaAccess.Read, out _, reset.Swgroup));
        Assert.Equal(TranslationStatus.Stalled,
            unit.Translate(0x8000_0000, DmaAccess.Write, out _, TegraSmmu.FirstClientStream
            + unit.Soc.FindClient(reset.Swgroup, true)!.Value.Id));
        unit.AssertMapped(0x8000_0000, 0x8000_0000, stream: unit.Other);
        Assert.Equal((0u, 0u, reset.Mask), (unit.Read(status), unit.Read(status), unit.Read(status)));
        unit.Write(control, 0);
        Assert.Equal(0u, unit.Read(status));
        unit.AssertMapped(0x8000_0000, 0x8000_0000, stream: reset.Swgroup);
    }

    [Theory]
    [InlineData(0x200u, 64)]
    [InlineData(0x402u, 64)]
    [InlineData(0x2_0000u, 64)]
    [InlineData(0x1000u, 0)]
    [InlineData(0x1000u, 48)]
    [InlineData(0x1000u, 128)]
    public void Options_out_of_range_are_refused(uint window, int lines)
    {
        var error = Assert.Throws<ApertureException>(() =>
            new TegraHarness(TegraSmmuOptions.Tegra30 with { WindowSize = window, PtcLines = lines }));
        Assert.Equal(Status.InvalidArgument, error.Status);
        Assert.Throws<ApertureException>(() => new TegraHarness(TegraSmmuOptions.Tegra124 with { WindowSize = 0x400 }));
    }
}
