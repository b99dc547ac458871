using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Translation;
using Xunit.Abstractions;

namespace Aperture.Hardware.Tests.Tegra;

/// <summary>Random tables, flushes and accesses against the plainest model of an SMMU: tables read afresh for each access. As long as
/// every change is followed by the flushes that drivers make, nobody can tell the two apart.</summary>
public class TegraFuzzTests(ITestOutputHelper output)
{
    private const int Steps = 20_000;
    private const uint Base = 0x1000_0000;
    private const int Pages = 512; // 256 on either side of a border between page tables

    [Theory]
    [InlineData("tegra30")]
    [InlineData("tegra114")]
    [InlineData("tegra124")]
    [InlineData("tegra210")]
    public void Flushed_as_drivers_do_the_caches_are_invisible(string soc)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var unit = new TegraHarness(TegraTranslationTests.Options(soc));
        unit.Enable();
        var words = new uint[4, Pages]; // by address space and page
        for (var asid = 0; asid < 4; asid++)
        {
            unit.SetDirectory(asid, DirectoryOf(asid));
            for (var table = 0u; table < 2; table++)
                unit.Link(Base + (table << 22), TableOf(asid, table), DirectoryOf(asid));
        }

        unit.Route(unit.Swgroup, 0);
        var current = 0;
        for (var step = 0; step < Steps; step++)
        {
            var page = random.Next(Pages);
            switch (random.Next(8))
            {
                case 0:
                    current = random.Next(4);
                    unit.Route(unit.Swgroup, current);
                    break;
                case 1 or 2:
                    var asid = random.Next(4);
                    var word = random.Next(3) == 0 ? 0 : (uint)random.Next(0x8_0000, 0x8_0400) | (uint)random.Next(8) << 29;
                    words[asid, page] = word;
                    var at = TableOf(asid, TableAt(page)) + (Address(page) >> 12 << 2 & 0xFFC);
                    unit.Store(at, word);
                    unit.FlushWord(at);
                    unit.Write(0x30, random.Next(4) switch
                    {
                        0 => TegraTlbFlush.Section(unit.Soc, asid, Address(page)).Value,
                        1 => TegraTlbFlush.Asid(unit.Soc, asid).Value,
                        _ => TegraTlbFlush.Group(unit.Soc, asid, Address(page)).Value,
                    });
                    break;
                default:
                    Check(unit, random, words[current, page], Address(page) + (uint)random.Next(4096));
                    break;
            }
        }

        Assert.True(unit.Unit.Counters.Hits > 0);
    }

    private static void Check(TegraHarness unit, Random random, uint word, uint address)
    {
        var isWrite = random.Next(2) == 0;
        var needed = TegraDescriptor.NonSecureBit | (isWrite ? TegraDescriptor.WritableBit : TegraDescriptor.ReadableBit);
        var status = unit.Translate(address, isWrite ? DmaAccess.Write : DmaAccess.Read, out var target);
        Assert.Equal((word & needed) == needed ? TranslationStatus.Ok : TranslationStatus.Aborted, status);
        if (status == TranslationStatus.Ok)
            Assert.Equal(((ulong)(word & unit.Soc.FrameMask) << 12) | (address & 0xFFF), target);
    }

    private static uint TableAt(int page) => page < Pages / 2 ? 0u : 1u;

    private static uint Address(int page) => Base + (1u << 22) - (Pages / 2 << 12) + ((uint)page << 12);

    private static ulong DirectoryOf(int asid) => TegraHarness.Ram + 0x4000 + ((ulong)asid << 14);

    private static ulong TableOf(int asid, uint table) => DirectoryOf(asid) + 0x1000 + (table << 12);
}
