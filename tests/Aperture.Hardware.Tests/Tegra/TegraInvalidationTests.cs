using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Tegra;

/// <summary>What the PTC and the TLB keep, and what each flush takes out.</summary>
public class TegraInvalidationTests
{
    private const uint Iova = 0x1000_0000;
    private const ulong Page = 0x8030_0000;

    public static TheoryData<string> Socs => TegraTranslationTests.Socs;

    [Theory]
    [MemberData(nameof(Socs))]
    public void A_page_that_is_gone_goes_on_until_both_caches_are_flushed(string soc)
    {
        using var unit = Started(TegraTranslationTests.Options(soc));
        unit.Unmap(Iova);
        unit.AssertMapped(Iova, Page);
        unit.Write(0x30, TegraTlbFlush.Group(unit.Soc, 0, Iova).Value);
        unit.AssertMapped(Iova, Page); // the TLB was refilled from the stale word in the PTC
        unit.FlushWord(TegraHarness.Table);
        unit.AssertMapped(Iova, Page); // and the TLB has it still
        unit.Write(0x30, TegraTlbFlush.Group(unit.Soc, 0, Iova).Value);
        unit.AssertRefused(Iova);
    }

    [Fact]
    public void Without_the_ptc_only_the_tlb_keeps_words()
    {
        using var unit = Started(TegraSmmuOptions.Tegra114);
        unit.Write(0x18, 0x3F);
        unit.Unmap(Iova);
        unit.Write(0x30, 0);
        unit.AssertRefused(Iova);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_page_mapped_beside_another_is_not_seen_before_a_flush(bool holdsEmpty)
    {
        using var unit = Started(TegraSmmuOptions.Tegra124 with { TlbHoldsEmpty = holdsEmpty });
        unit.Page(Iova + 0x3000, Page + 0x3000);
        unit.FlushWord(TegraHarness.Table);
        if (holdsEmpty)
            unit.AssertRefused(Iova + 0x3000);
        else
            unit.AssertMapped(Iova + 0x3000, Page + 0x3000);
        unit.Write(0x30, TegraTlbFlush.Group(unit.Soc, 0, Iova).Value);
        unit.AssertMapped(Iova + 0x3000, Page + 0x3000);
        unit.AssertMapped(Iova, Page);
    }

    [Fact]
    public void A_link_over_an_empty_entry_is_not_seen_while_the_ptc_has_that()
    {
        using var unit = Started(TegraSmmuOptions.Tegra30);
        unit.AssertRefused(Iova + 0x40_0000);
        unit.Link(Iova + 0x40_0000);
        unit.AssertRefused(Iova + 0x40_0000);
        unit.FlushWord(TegraHarness.Directory + ((Iova + 0x40_0000) >> 22 << 2));
        unit.AssertMapped(Iova + 0x40_0000, Page);
    }

    [Theory]
    [InlineData("tegra30", 16)]
    [InlineData("tegra114", 32)]
    [InlineData("tegra124", 32)]
    [InlineData("tegra210", 64)]
    public void A_flush_by_address_takes_one_atom(string soc, int atom)
    {
        using var unit = Started(TegraTranslationTests.Options(soc));
        for (var i = 0u; i < 64; i++)
            unit.Page(Iova + (i << 12), Page + (i << 12));
        unit.Write(0x34, 0);
        unit.Write(0x30, 0);
        for (var i = 0u; i < 64; i++)
            unit.AssertMapped(Iova + (i << 12), Page + (i << 12));
        for (var i = 0u; i < 64; i++)
            unit.Unmap(Iova + (i << 12));
        unit.FlushWord(TegraHarness.Table + (ulong)atom);
        unit.Write(0x30, 0);
        for (var i = 0u; i < 64; i++)
        {
            var isFlushed = i * 4 >= atom && i * 4 < 2 * atom;
            Assert.Equal(isFlushed ? TranslationStatus.Aborted : TranslationStatus.Ok,
                unit.Translate(Iova + (i << 12), DmaAccess.Read, out _));
        }
    }

    [Fact]
    public void A_flush_by_a_high_address_needs_its_upper_bits()
    {
        using var memory = new Aperture.Core.Memory.PhysicalMemory(
            new Aperture.Core.Memory.MemoryRange(new PhysicalAddress(TegraHarness.Ram), 1 << 20),
                new Aperture.Core.Memory.MemoryRange(new PhysicalAddress(0x2_8000_0000), 1 << 20));
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra124, new(memory));
        unit.Start();
        unit.Link(Iova, 0x2_8000_1000);
        unit.Page(Iova, Page, table: 0x2_8000_1000);
        unit.AssertMapped(Iova, Page);
        unit.Unmap(Iova, 0x2_8000_1000);
        unit.Write(0x9B8, 0);
        unit.Write(0x34, 0x8000_1001);
        unit.Write(0x30, 0);
        unit.AssertMapped(Iova, Page);
        unit.Write(0x9B8, 2);
        unit.Write(0x34, 0x8000_1001);
        unit.Write(0x30, 0);
        unit.AssertRefused(Iova);
    }

    [Theory]
    [MemberData(nameof(Socs))]
    public void Each_match_takes_what_it_says_and_no_more(string soc)
    {
        // Two groups in one section, one in another, in three address spaces; then one flush.
        uint[] addresses = [Iova, Iova + 0x4000, Iova + 0x40_0000];
        var options = TegraTranslationTests.Options(soc);
        (uint Flush, Func<int, uint, bool> IsTaken)[] cases =
        [
            (TegraTlbFlush.All.Value, (_, _) => true),
            (TegraTlbFlush.Asid(options.Soc, 2).Value, (asid, _) => asid == 2),
            (TegraTlbFlush.Section(options.Soc, 1, Iova + 0x3F_F000).Value, (asid, at) => asid == 1 && at < Iova + 0x40_0000),
            (TegraTlbFlush.Group(options.Soc, 1, Iova + 0x3000).Value, (asid, at) => asid == 1 && at == Iova),
            (TegraTlbFlush.Section(options.Soc, 0, Iova).Value & 0xFF_FFFF, (_, at) => at < Iova + 0x40_0000),
            (TegraTlbFlush.Group(options.Soc, 0, Iova + 0x4000).Value & 0xFF_FFFF, (_, at) => at == Iova + 0x4000),
            (1, (_, _) => false),
        ];
        foreach (var (flush, isTaken) in cases)
        {
            using var unit = new TegraHarness(options);
            unit.Enable();
            unit.Link(Iova);
            unit.Link(Iova + 0x40_0000, TegraHarness.Table + 0x1000);
            foreach (var at in addresses)
                unit.Page(at, Page, table: TegraHarness.Table + (at >= Iova + 0x40_0000 ? 0x1000u : 0));
            for (var asid = 0; asid < 3; asid++)
            {
                unit.SetDirectory(asid);
                unit.Route(unit.Swgroup, asid);
                foreach (var at in addresses)
                    unit.AssertMapped(at, Page);
            }

            foreach (var at in addresses)
                unit.Unmap(at, TegraHarness.Table + (at >= Iova + 0x40_0000 ? 0x1000u : 0));
            unit.Write(0x34, 0);
            unit.Write(0x30, flush);
            for (var asid = 0; asid < 3; asid++)
            {
                unit.Route(unit.Swgroup, asid);
                foreach (var at in addresses)
                    Assert.Equal(isTaken(asid, at) ? TranslationStatus.Aborted : TranslationStatus.Ok,
                        unit.Translate(at, DmaAccess.Read, out _));
            }
        }
    }

    [Fact]
    public void A_section_goes_with_any_group_in_it()
    {
        using var unit = new TegraHarness(TegraSmmuOptions.Tegra210);
        unit.Start();
        unit.Section(Iova, 0x8040_0000);
        unit.AssertMapped(Iova + 0x12_3000, 0x8052_3000);
        unit.Store(TegraHarness.Directory + (Iova >> 22 << 2), 0);
        unit.Write(0x34, 0);
        unit.AssertMapped(Iova + 0x20_0000, 0x8060_0000);
        unit.Write(0x30, TegraTlbFlush.Group(unit.Soc, 0, Iova + 0x30_0000).Value);
        unit.AssertRefused(Iova + 0x12_3000);
    }

    /// <summary>A driver that gives an address space to another domain and forgets to flush is seen at once.</summary>
    [Fact]
    public void An_address_space_used_again_without_a_flush_leads_where_it_led_before()
    {
        using var unit = Started(TegraSmmuOptions.Tegra30);
        unit.Link(Iova, TegraHarness.Table + 0x3000, TegraHarness.Directory + 0x3000);
        unit.Page(Iova, Page + 0x8000, table: TegraHarness.Table + 0x3000);
        unit.Write(0x1C, 0);
        unit.Write(0x20, (uint)((TegraHarness.Directory + 0x3000) >> 12) | TegraDescriptor.RightsMask);
        unit.AssertMapped(Iova, Page);
        unit.Write(0x30, TegraTlbFlush.Asid(unit.Soc, 0).Value);
        unit.AssertMapped(Iova, Page + 0x8000);
    }

    [Theory]
    [InlineData("tegra30", 16u, 16)]
    [InlineData("tegra30", 32u, 0)] // the field has five bits there: no line is left
    [InlineData("tegra30", 8u, 8)]
    [InlineData("tegra114", 32u, 32)]
    [InlineData("tegra210", 48u, 48)]
    [InlineData("tegra210", 63u, 48)]
    public void Only_active_lines_keep_anything(string soc, uint written, int lines)
    {
        using var unit = new TegraHarness(TegraTranslationTests.Options(soc));
        unit.Start();
        unit.Write(0x14, written);
        unit.Link(Iova);
        for (var i = 0u; i < 64; i++)
            unit.Page(Iova + (i << 14), Page);
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0u; i < Math.Max(lines, 1); i++)
                unit.AssertMapped(Iova + (i << 14), Page);
        }

        Assert.Equal((ulong)lines, unit.Unit.Counters.Hits);
        Assert.Equal((ulong)(lines == 0 ? 2 : lines), unit.Unit.Counters.Misses);
        unit.Write(0x14, 0);
        for (var i = 0u; i < 64; i++)
            unit.Unmap(Iova + (i << 14));
        unit.Write(0x34, 0);
        unit.AssertRefused(Iova);
    }

    private static TegraHarness Started(TegraSmmuOptions options)
    {
        var unit = new TegraHarness(options);
        unit.Start();
        unit.Link(Iova);
        unit.Page(Iova, Page);
        unit.AssertMapped(Iova, Page);
        return unit;
    }
}
