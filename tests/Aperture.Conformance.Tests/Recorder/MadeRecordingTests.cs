using System.Text.Json.Nodes;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests.Recorder;

/// <summary>Recordings of libraries with other settings, addresses and seeds than the recorded ones replay as well: made by oracles
/// that make the recorded ones to the bit.</summary>
public class MadeRecordingTests
{
    private static readonly string[] s_families = ["basic", "batch", "mixed", "split", "over", "errors", "prot", "random", "rough"];

    // that all families are made for
    private static readonly string[] s_all = ["s1_4k_48_wbwa", "s1_16k_40", "s1_hd_16k", "s2_4k_42_nc", "s2_16k_48_concat",
        "mali_39_coherent", "v7s_ns_noperms", "v7s_mtk_34", "amd_4"];

    private static readonly Dictionary<string, Settings> s_settings = new()
    {
        ["s1_4k_30"] = new("arm64-lpae-s1", 30, 32, 0x40201000, [], true),
        ["s1_4k_36"] = new("arm64-lpae-s1", 36, 36, 0x40201000, [], true),
        ["s1_4k_40_nc"] = new("arm64-lpae-s1", 40, 42, 0x40201000, [], false),
        ["s1_4k_42"] = new("arm64-lpae-s1", 42, 44, 0x40201000, [], true),
        ["s1_4k_44_ns"] = new("arm64-lpae-s1", 44, 44, 0x40201000, ["NS"], true),
        ["s1_4k_48"] = new("arm64-lpae-s1", 48, 48, 0x40201000, [], true),
        ["s1_4k_48_wbwa"] = new("arm64-lpae-s1", 48, 48, 0x40201000, ["OUTER_WBWA"], false),
        ["s1_16k_36"] = new("arm64-lpae-s1", 36, 40, 0x2004000, [], true),
        ["s1_16k_40"] = new("arm64-lpae-s1", 40, 40, 0x2004000, [], false),
        ["s1_16k_47"] = new("arm64-lpae-s1", 47, 48, 0x2004000, [], true),
        ["s1_16k_48_ttbr1"] = new("arm64-lpae-s1", 48, 48, 0x2004000, ["TTBR1"], true),
        ["s1_64k_42"] = new("arm64-lpae-s1", 42, 42, 0x20010000, [], true),
        ["s1_64k_48_ttbr1"] = new("arm64-lpae-s1", 48, 48, 0x20010000, ["TTBR1", "NS"], false),
        ["s1_64k_52"] = new("arm64-lpae-s1", 52, 52, 0x40020010000, [], false),
        ["s1_hd_16k"] = new("arm64-lpae-s1", 48, 48, 0x2004000, ["HD"], true),
        ["s1_hd_64k"] = new("arm64-lpae-s1", 48, 48, 0x20010000, ["HD"], true),
        ["s2_4k_32"] = new("arm64-lpae-s2", 32, 32, 0x40201000, [], true),
        ["s2_4k_36"] = new("arm64-lpae-s2", 36, 40, 0x40201000, [], true),
        ["s2_4k_39_nc"] = new("arm64-lpae-s2", 39, 40, 0x40201000, [], false),
        ["s2_4k_40"] = new("arm64-lpae-s2", 40, 40, 0x40201000, [], true),
        ["s2_4k_42_nc"] = new("arm64-lpae-s2", 42, 44, 0x40201000, [], false),
        ["s2_4k_44"] = new("arm64-lpae-s2", 44, 44, 0x40201000, [], true),
        ["s2_16k_36"] = new("arm64-lpae-s2", 36, 36, 0x2004000, [], true),
        ["s2_16k_48_concat"] = new("arm64-lpae-s2", 48, 48, 0x2004000, [], false),
        ["s2_64k_40"] = new("arm64-lpae-s2", 40, 40, 0x20010000, [], true),
        ["s2_64k_48"] = new("arm64-lpae-s2", 48, 48, 0x20010000, [], true),
        ["s2_64k_52"] = new("arm64-lpae-s2", 52, 52, 0x40020010000, [], true),
        ["32bit_s1"] = new("arm32-lpae-s1", 32, 40, 0x40201000, [], true),
        ["32bit_s1_nc_ns"] = new("arm32-lpae-s1", 32, 36, 0x40201000, ["NS"], false),
        ["32bit_s2"] = new("arm32-lpae-s2", 40, 40, 0x40201000, [], true),
        ["32bit_s2_32_nc"] = new("arm32-lpae-s2", 32, 40, 0x40201000, [], false),
        ["mali_33"] = new("mali-lpae", 33, 40, 0x40201000, [], false),
        ["mali_39_coherent"] = new("mali-lpae", 39, 36, 0x40201000, [], true),
        ["v7s_std"] = new("arm-v7s", 32, 32, 0x1111000, [], true),
        ["v7s_31"] = new("arm-v7s", 31, 32, 0x1111000, [], true),
        ["v7s_no_super"] = new("arm-v7s", 32, 32, 0x111000, [], false),
        ["v7s_ns_nc"] = new("arm-v7s", 32, 32, 0x1111000, ["NS"], false),
        ["v7s_ns_noperms"] = new("arm-v7s", 32, 32, 0x1111000, ["NS", "NO_PERMS"], true),
        ["v7s_mtk_32"] = new("arm-v7s", 32, 33, 0x1111000, ["NO_PERMS", "MTK_EXT"], false),
        ["v7s_mtk_33_ns"] = new("arm-v7s", 33, 34, 0x1111000, ["NO_PERMS", "MTK_EXT", "NS"], true),
        ["v7s_mtk_34"] = new("arm-v7s", 34, 35, 0x1111000, ["NO_PERMS", "MTK_EXT"], false),
        ["v7s_mtk_ttbr"] = new("arm-v7s", 34, 35, 0x1111000, ["NO_PERMS", "MTK_EXT", "MTK_TTBR_EXT"], false),
        ["amd_3"] = new("amd-v1", 52, 52, 0, [], true),
        ["amd_1"] = new("amd-v1", 52, 52, 1, [], true),
        ["amd_4"] = new("amd-v1", 52, 52, 4, [], true),
        ["amd_6"] = new("amd-v1", 52, 52, 6, [], true),
    };

    public static TheoryData<string> All =>
    [
        .. from name in s_settings.Keys
           from family in s_families
           where s_all.Contains(name) || family == "batch"
           select $"{family} {name}",
    ];

    [Theory]
    [MemberData(nameof(All))]
    public void A_made_recording_replays(string scenario)
    {
        var result = Replays.Run(VectorFile.Parse(scenario, Record(scenario)));

        Assert.True(result.Tables.First is null, $"{result.Tables.First}");
        Assert.True(result.Tables.Passed > 20);
        if (scenario.StartsWith("random", StringComparison.Ordinal) || scenario.StartsWith("basic", StringComparison.Ordinal))
            Assert.All(result.Deviations, deviation => Assert.Equal(Rules.TableAddress, deviation.Rule));
    }

    private static List<string> Record(string scenario)
    {
        var (family, name) = (scenario.Split(' ')[0], scenario.Split(' ')[1]);
        var (format, ias, oas, sizes, quirks, coherent) = s_settings[name];
        var ram = quirks.Contains("MTK_TTBR_EXT") ? 0x6_8000_0000 : 0x9000_0000UL;
        var memory = new RecorderMemory(format == "arm-v7s" ? 4 : 8, ram);
        var settings = new JsonObject { ["fmt"] = format, ["ias"] = ias, ["oas"] = oas };
        if (format != "amd-v1")
        {
            settings["pgsizesIn"] = $"0x{sizes:x}";
            settings["quirks"] = new JsonArray([.. quirks.Select(quirk => (JsonNode)quirk)]);
            settings["coherent"] = coherent;
        }

        TableOracle oracle = format switch
        {
            "amd-v1" => new AmdOracle(memory, sizes == 0 ? 3 : (int)sizes),
            "arm-v7s" => new ShortOracle(memory, ias, oas, sizes, quirks, coherent),
            _ => new LpaeOracle(memory, format, ias, oas, sizes, quirks, coherent),
        };
        ulong[] pages = format == "amd-v1"
            ? [1 << 12, 1 << 13, 1 << 16, 1 << 21, 1 << 23]
            : [.. Enumerable.Range(0, 64).Select(bit => 1UL << bit).Where(
                page => (sizes & page) != 0 && page <= 1UL << Math.Min(30, ias - 6))];
        var recorder = new LibraryRecorder(memory, oracle);
        recorder.Allocate(settings);
        var upper = quirks.Contains("TTBR1") ? ulong.MaxValue << ias : 0;
        var scenarios = new LibraryScenarios(
            recorder, pages, upper | (1UL << (ias - 1) >> (format == "amd-v1" ? 14 : 0)), 1UL << (oas - 1));
        var seed = scenario.Sum(letter => letter * 7919);
        if (family == "errors" && format != "amd-v1")
            scenarios.Errors(upper != 0 ? 0x1000_0000 : 1UL << ias, 1UL << oas, (upper | (ulong.MaxValue >> (64 - ias))) & ~(pages[0] - 1));
        else
            scenarios.Run(family, seed, 30);

        recorder.Free();
        return [LibraryRecorder.Meta(
            format switch { "amd-v1" => "amd", "arm-v7s" => "v7s", _ => "lpae" }, format == "arm-v7s" ? 32 : 64, ram), .. memory.Lines];
    }

    private sealed record Settings(string Format, int Ias, int Oas, ulong Sizes, string[] Quirks, bool Coherent);
}
