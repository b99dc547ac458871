using Aperture.Core;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Tests.Translation;
using Aperture.Hardware.Translation;
using static Aperture.Hardware.Tests.Exynos.SysMmuHarness;

namespace Aperture.Hardware.Tests.Exynos;

/// <summary>A stale translation stays until software invalidates it, and goes when it does.</summary>
public class SysMmuInvalidationTests
{
    private const ulong Second = Ram + 0x8000;
    private const ulong Zero = Ram + 0x8400; // an all-zero second-level table, as drivers link for unused space

    public static TheoryData<string> AllVersions => [.. Versions.Select(version => version.Name)];

    [Theory]
    [MemberData(nameof(AllVersions))]
    public void Entries_stay_until_flushed(string version)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.Link(0, Second);
        sysMmu.Page(0x1000, Second, 0xA0000000);
        sysMmu.Page(0x2000, Second, 0xA0001000);
        sysMmu.Page(0x10000, Second, 0xA0100000, large: true);
        sysMmu.Section(0x100000, 0xA0200000);
        sysMmu.Enable();
        Assert.All(new ulong[] { 0x1000, 0x2000, 0x10000, 0x100000 }, address => sysMmu.Translate(address, DmaAccess.Read, out _));

        sysMmu.Page(0x1000, Second, 0xB0000000);
        sysMmu.Page(0x2000, Second, 0xB0001000);
        sysMmu.Page(0x10000, Second, 0xB0100000, large: true);
        sysMmu.Section(0x100000, 0xB0200000);
        sysMmu.AssertMapped(0x1000, 0xA0000000);
        sysMmu.Write(sysMmu.FlushEntryRegister, 0x1000); // without the trigger bit
        sysMmu.Write(sysMmu.FlushRegister, 0);
        sysMmu.AssertMapped(0x1000, 0xA0000000);
        sysMmu.Write(sysMmu.FlushEntryRegister, 0x1001);
        sysMmu.AssertMapped(0x1000, 0xB0000000);
        sysMmu.AssertMapped(0x2000, 0xA0001000);

        // One write kills a page of any size by its first address.
        sysMmu.Write(sysMmu.FlushEntryRegister, 0x10001);
        sysMmu.Write(sysMmu.FlushEntryRegister, 0x100001);
        sysMmu.AssertMapped(0x10000, 0xB0100000);
        sysMmu.AssertMapped(0x100000, 0xB0200000);
        sysMmu.AssertMapped(0x2000, 0xA0001000);
        sysMmu.Write(sysMmu.FlushRegister, 1);
        sysMmu.AssertMapped(0x2000, 0xB0001000);
    }

    [Fact]
    public void Version_2_keeps_large_pages_in_many_sets_and_needs_a_write_for_each()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V2);
        sysMmu.Section(0x100000, 0xA0200000);
        sysMmu.Enable();
        for (var offset = 0u; offset < 1 << 20; offset += 0x1000)
            sysMmu.AssertMapped(0x100000 + offset, 0xA0200000 + offset);
        Assert.Equal(64ul, sysMmu.Unit.Counters.Misses); // one entry in every set serves four pages each
        sysMmu.Section(0x100000, 0xB0200000);
        sysMmu.Write(0x10, 0x100001);
        sysMmu.AssertMapped(0x100000, 0xB0200000);
        sysMmu.AssertMapped(0x101000, 0xA0201000);
        for (var i = 0u; i < 64; i++)
            sysMmu.Write(0x10, (0x100000 + (i * 0x1000)) | 1);
        for (var offset = 0u; offset < 1 << 20; offset += 0x1000)
            sysMmu.AssertMapped(0x100000 + offset, 0xB0200000 + offset);
    }

    [Theory]
    [InlineData("v5", 0x18u)]
    [InlineData("v7", 0x18u)]
    [InlineData("v7vm", 0x18u)]
    [InlineData("v7vm", 0x8018u)]
    public void Ranges_are_flushed_by_page_with_an_inclusive_end(string version, uint register)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.Link(0, Second);
        for (var page = 0u; page < 8; page++)
            sysMmu.Page(page << 12, Second, 0xA0000000);
        sysMmu.Section(0x100000, 0xA0200000);
        sysMmu.Enable();
        for (var page = 0u; page < 8; page++)
            sysMmu.Translate(page << 12, DmaAccess.Read, out _);
        sysMmu.Translate(0x100000, DmaAccess.Read, out _);
        for (var page = 0u; page < 8; page++)
            sysMmu.Page(page << 12, Second, 0xB0000000);
        sysMmu.Section(0x100000, 0xB0200000);

        sysMmu.Write(register + 8, 0x2000);
        sysMmu.Write(register + 12, 0x5000);
        sysMmu.Write(register, 0);
        sysMmu.AssertMapped(0x2000, 0xA0000000);
        sysMmu.Write(register, 1);
        for (var page = 0u; page < 8; page++)
            sysMmu.AssertMapped(page << 12, page is >= 2 and <= 5 ? 0xB0000000 : 0xA0000000ul);
        sysMmu.AssertMapped(0x100000, 0xA0200000);
        sysMmu.Write(register + 8, 0x180000);
        sysMmu.Write(register + 12, 0x180fff);
        sysMmu.Write(register, 1);
        sysMmu.AssertMapped(0x100000, 0xB0200000);
    }

    [Theory]
    [InlineData("v1", false)]
    [InlineData("v2", true)]
    [InlineData("v5", false)]
    public void A_long_transfer_comes_upon_stale_parts_of_a_large_page(string version, bool hasSets)
    {
        using var sysMmu = new SysMmuHarness(Version(version) with { FlpdCacheEntries = 0 });
        sysMmu.Link(0, Second);
        sysMmu.Page(0x2000, Second, 0xA0001000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0x2000, 0xA0001000);
        sysMmu.Section(0, 0xB0000000);
        for (var pass = 0; pass < 2; pass++) // walked, then from the TLB
        {
            sysMmu.Unit.Translate(new BusRequest(default, new Iova(0x1100), DmaAccess.Read), out _, out var contiguous);
            Assert.Equal(0xF00ul, contiguous);
        }

        if (hasSets)
            sysMmu.AssertMapped(0x2000, 0xA0001000);
        else
            Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x2000, DmaAccess.Read, out _));
    }

    [Fact]
    public void A_new_table_base_needs_a_flush()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V1);
        sysMmu.Section(0, 0xA0000000);
        sysMmu.Section(0, 0xB0000000, table: Ram + 0x10000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0, 0xA0000000);
        sysMmu.Write(0x14, (uint)Ram + 0x10000);
        sysMmu.AssertMapped(0, 0xA0000000);
        sysMmu.Write(0x0C, 1);
        sysMmu.AssertMapped(0, 0xB0000000);
    }

    [Theory]
    [InlineData("v1", false, true)]
    [InlineData("v3.1", false, true)]
    [InlineData("v3.2", false, true)]
    [InlineData("v3.3", true, true)]
    [InlineData("v5", true, false)]
    [InlineData("v7", true, false)]
    [InlineData("v7vm", true, false)]
    public void A_link_to_the_zero_table_may_stay_cached_from_3_3_on(string version, bool goesStale, bool entryIsEnough)
    {
        using var sysMmu = new SysMmuHarness(Version(version));
        sysMmu.Link(0, Zero);
        sysMmu.Page(0x1000, Second, 0xA0000000);
        sysMmu.Enable();
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
        sysMmu.Write(0, 5);
        sysMmu.Link(0, Second);
        Assert.Equal(goesStale ? TranslationStatus.Stalled : TranslationStatus.Ok, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
        sysMmu.Write(0, 5);
        sysMmu.Write(sysMmu.FlushEntryRegister, 0x1001);
        Assert.Equal(entryIsEnough ? TranslationStatus.Ok : TranslationStatus.Stalled, sysMmu.Translate(0x1000, DmaAccess.Read, out _));
        sysMmu.Write(0, 5);
        sysMmu.Write(sysMmu.FlushRegister, 1);
        sysMmu.AssertMapped(0x1000, 0xA0000000);
    }

    [Fact]
    public void Version_3_3_keeps_fault_descriptors_but_never_sections()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V33);
        sysMmu.Enable();
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0, DmaAccess.Read, out _));
        sysMmu.Write(0, 5);
        sysMmu.Section(0, 0xA0000000);
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(0, DmaAccess.Read, out _));
        sysMmu.Write(0, 5);
        sysMmu.Write(4, 0x1000784); // cache off
        sysMmu.AssertMapped(0, 0xA0000000);
    }

    [Theory]
    [InlineData("v3.1", 0x1F000ul, 0x20000ul)]
    [InlineData("v3.2", 0x3F000ul, 0x40000ul)]
    [InlineData("v3.3", 0x1F000ul, 0x20000ul)]
    public void Erratum_of_3_x_faulting_pages_of_a_walked_block_are_remembered(string version, ulong inside, ulong outside)
    {
        using var sysMmu = new SysMmuHarness(Version(version) with { CachesFaultingPages = true });
        sysMmu.Link(0, Second);
        sysMmu.Page(0, Second, 0xA0000000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0, 0xA0000000); // the walk reads the whole block
        sysMmu.Page((uint)inside, Second, 0xA0001000);
        sysMmu.Page((uint)outside, Second, 0xA0002000);
        sysMmu.AssertMapped(outside, 0xA0002000);
        Assert.Equal(TranslationStatus.Stalled, sysMmu.Translate(inside, DmaAccess.Read, out _));
        sysMmu.Write(0, 5);
        sysMmu.Write(0x10, 1);
        sysMmu.AssertMapped(inside, 0xA0001000);
    }

    [Fact]
    public void Second_tlb_serves_what_fell_out_of_the_first()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V5 with { TlbWays = 1, L2TlbEntries = 8, L2TlbConfigReset = 1 });
        sysMmu.Section(0, 0xA0000000);
        sysMmu.Section(0x100000, 0xA0100000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0, 0xA0000000);
        sysMmu.AssertMapped(0x100000, 0xA0100000);
        sysMmu.Section(0, 0xB0000000);
        sysMmu.AssertMapped(0, 0xA0000000); // stale, from the second TLB
        Assert.Equal(2ul, sysMmu.Unit.Counters.Misses);
        sysMmu.Write(0x200, 0);
        sysMmu.AssertMapped(0x100000, 0xA0100000);
        sysMmu.AssertMapped(0, 0xB0000000);
        Assert.Equal(9, sysMmu.Unit.CacheEntries);
        sysMmu.Write(0x200, 1);
        sysMmu.Write(0x14, 1);
        sysMmu.Write(0x14, 0x100001);
        sysMmu.Section(0x100000, 0xB0100000);
        sysMmu.AssertMapped(0x100000, 0xB0100000);
    }

    [Fact]
    public void Flushes_can_be_made_to_need_the_blocked_state()
    {
        using var sysMmu = new SysMmuHarness(SysMmuOptions.V1 with { FlushNeedsBlock = true, FlushIgnoresTriggerBit = true });
        sysMmu.Section(0, 0xA0000000);
        sysMmu.Enable();
        sysMmu.AssertMapped(0, 0xA0000000);
        sysMmu.Section(0, 0xB0000000);
        sysMmu.Write(0x0C, 1);
        sysMmu.AssertMapped(0, 0xA0000000);
        sysMmu.Write(0, 7);
        sysMmu.Write(0x0C, 0);
        sysMmu.Write(0, 5);
        sysMmu.AssertMapped(0, 0xB0000000);
    }
}
