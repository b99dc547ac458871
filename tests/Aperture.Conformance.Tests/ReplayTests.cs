using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests;

/// <summary>Every recorded file replays without a divergence.</summary>
public class ReplayTests
{
    // file, rule, how often
    private static readonly string[][] s_excuses =
    [
        .. File.ReadAllLines(VectorFolder.Path("../Aperture.Conformance.Tests/excuses.txt"))
            .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(' ')),
    ];

    public static TheoryData<string> Files => VectorFolder.Files;

    [Theory]
    [MemberData(nameof(Files))]
    public void Models_reproduce_the_recording(string file)
    {
        var result = Replays.Run(VectorFolder.Path(file));
        Assert.Null(result.Skipped);
        Assert.True(
            result.Model.First is null,
            $"line {result.Model.First?.Line}: expected {result.Model.First?.Expected}; got {result.Model.First?.Got}");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Drivers_do_what_the_recorded_ones_do(string file)
    {
        var result = Replays.Run(VectorFolder.Path(file));
        Assert.True(
            result.Driver.First is null,
            $"line {result.Driver.First?.Line}: expected {result.Driver.First?.Expected}; got {result.Driver.First?.Got}");
        Assert.True(result.Driver.Passed > 0);
        Assert.All(result.Deviations, deviation => Assert.Contains(deviation.Rule, Rules.All));
        // Exactly these excuses, and no more often: a driver that begins to need one is noticed.
        Assert.Equal(
            s_excuses.Where(line => line[0] == file).Select(line => $"{line[1]} {line[2]}"),
            result.Deviations.Select(deviation => $"{deviation.Rule} {deviation.Count}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_file_that_has_excuses_is_there()
    {
        Assert.NotEmpty(s_excuses);
        Assert.All(s_excuses, line => Assert.True(File.Exists(VectorFolder.Path(line[0])), line[0]));
    }

    /// <summary>Overlaps, holes and partial unmaps of all page sizes at random, with the tables that a recorded driver would leave
    /// behind: written by a small model of such a driver, not recorded.</summary>
    [Theory]
    [InlineData("synthetic/omap_overlaps.jsonl", Rules.OverlapRefused, Rules.PartOfPage, Rules.TornPage)]
    [InlineData("synthetic/exynos_holes.jsonl", Rules.OverlapNumber, Rules.PartOfPageRefused, Rules.HoleEndsUnmap)]
    public void Deviations_at_random_are_followed(string file, params string[] rules)
    {
        var result = Replays.Run(VectorFolder.Path(file));
        Assert.True(result.Model.First is null, $"{result.Model.First}");
        Assert.True(result.Driver.First is null, $"{result.Driver.First}");
        Assert.Superset(rules.ToHashSet(), result.Deviations.Select(deviation => deviation.Rule).ToHashSet());
    }

    [Fact]
    public void Every_rule_is_documented()
    {
        var page = File.ReadAllText(VectorFolder.Path("../../docs/conformance.md"));
        Assert.NotEmpty(Rules.All);
        Assert.All(Rules.All, rule => Assert.Contains($"| `{rule}` |", page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("msm", "0xf8fff4", 3)]
    [InlineData("msm", "0x100000", 3)]
    [InlineData("msm", "0xffff5", 3)]
    [InlineData("tegra", "0x1000", 3)]
    public void A_reset_value_of_no_register_is_bad_input(string driver, string offset, int line)
    {
        string[] lines =
        [
            "{\"e\":\"meta\",\"driver\":\"" + driver + "\",\"scenario\":\"probe\",\"set\":\"public\",\"longBits\":32,\"tableWordBits\":32,"
                + "\"ramBase\":\"0x80000000\"}",
            "{\"e\":\"unit\",\"unit\":\"u\",\"pa\":\"0x7500000\",\"size\":" + (driver == "msm" ? "1048576" : "4096") + "}",
            "{\"e\":\"reset\",\"unit\":\"u\",\"off\":\"" + offset + "\",\"val\":\"0x1\",\"bits\":32}",
        ];
        Assert.Contains(
            $":{line}: unit u has no register at {offset}",
            Assert.Throws<VectorException>(() => Replays.Run(VectorFile.Parse("file", lines))).Message,
            StringComparison.Ordinal);
    }
}
