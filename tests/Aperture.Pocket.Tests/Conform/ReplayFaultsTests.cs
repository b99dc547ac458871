using Aperture.Conformance;
using Aperture.Conformance.Drivers;
using Aperture.Conformance.Models;
using Aperture.Conformance.Vectors;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Pocket.Tests.Software;

namespace Aperture.Pocket.Tests.Conform;

/// <summary>What a replay said wrongly, or not at all, of units that are built otherwise than ours.</summary>
public class ReplayFaultsTests
{
    private static string Recording => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Conform", "basic.jsonl"));

    /// <summary>Its masters rest in an empty table, which counted as lost at every call.</summary>
    [Fact]
    public void The_table_of_the_default_domain_of_a_unit_that_cannot_bypass_is_not_lost()
    {
        var result = Replay(new NeverOpen(), Recording);
        Assert.True(result.Failed == 0, $"{result.Model.First} {result.Driver.First}");
        Assert.True(result.Driver.Passed >= 20, $"{result.Driver.Passed}");
    }

    /// <summary>It passed, and the file was blamed lines later: "there is no domain A".</summary>
    [Fact]
    public void A_probe_that_no_driver_was_asked_for_is_told()
    {
        var result = Replay(new PocketDriverFamily(), Recording.Replace("test,pocket-mmu", "test,pocket", StringComparison.Ordinal));
        Assert.Equal(4, result.Driver.First?.Line);
        Assert.Contains("'test,pocket'", result.Driver.First!.Expected, StringComparison.Ordinal);
        Assert.Contains("pocket-mmu serves test,pocket-mmu", result.Driver.First.Got, StringComparison.Ordinal);
        Assert.Equal(1, result.Failed);
    }

    /// <summary>Their words were compared as if they were of 32 bits: failures without a reason.</summary>
    [Fact]
    public void Tables_that_the_replay_of_a_driver_cannot_compare_are_told()
    {
        var result = Replay(new Deep(), Recording);
        Assert.Equal(7, result.Driver.First?.Line);
        Assert.Contains("two levels of 32-bit entries", result.Driver.First!.Expected, StringComparison.Ordinal);
        Assert.EndsWith("levels of 64-bit entries", result.Driver.First.Got, StringComparison.Ordinal);
        Assert.Equal(0, result.Model.Failed);
        Assert.Equal(1, result.Driver.Failed);
    }

    private static FileResult Replay(DriverFamily family, string text) =>
        new VectorReplay([family]).Run(VectorFile.Parse("recording", text.Split('\n')));

    private sealed class NeverOpen : PocketDriverFamily
    {
        public override IDriver CreateDriver(IommuCore core, Func<string, UnitFacts> facts) => new PocketDriver(core, canBypass: false);
    }

    private sealed class Deep : PocketDriverFamily
    {
        public override IPageTableFormat Format(IommuDomain domain, ulong? zeroTable) => new AmdV1Format();
    }
}
