using System.Text.RegularExpressions;
using Aperture.Conformance.Vectors;

namespace Aperture.Conformance.Tests;

/// <summary>Recorded page-table libraries replay on our formats without a divergence, and a changed value is found.</summary>
public class TableReplayTests
{
    public static TheoryData<string> Files => VectorFolder.TableFiles;

    [Theory]
    [MemberData(nameof(Files))]
    public void Tables_reproduce_the_recording(string file)
    {
        var result = Replays.Run(VectorFolder.Path(file));
        Assert.True(result.Tables.First is null, $"{result.Tables.First}");
        Assert.True(result.Tables.Passed > 20);
        Assert.All(result.Deviations, deviation => Assert.Contains(deviation.Rule, Rules.All));
    }

    [Theory]
    [InlineData("v7s/section_split_defect.jsonl", Rules.SectionKeepsAddress, 2)]
    [InlineData("v7s/over_std.jsonl", Rules.OverlapRefused, 1)]
    [InlineData("lpae/over_s1_4k_48.jsonl", Rules.OverlapRefused, 1)]
    [InlineData("lpae/batch_s1_16k_36.jsonl", Rules.RunEndsWithTable, 2)]
    [InlineData("lpae/errors_s1_4k_39.jsonl", Rules.PageSizeArgument, 3)]
    [InlineData("amd/map_over_existing.jsonl", Rules.OverlapRefused, 4)]
    public void Known_differences_are_counted(string file, string rule, int count)
    {
        var result = Replays.Run(VectorFolder.Path(file));
        Assert.Equal([new Deviation(rule, count)], result.Deviations);
    }

    [Theory]
    [InlineData("v7s/basic_std.jsonl", "mem", "words\":[\"0x", 0x8000)]
    [InlineData("v7s/basic_std.jsonl", "mem", "words\":[\"0x", 0x10)]
    [InlineData("v7s/basic_std.jsonl", "expect", "pa\":\"0x", 0x1000)]
    [InlineData("v7s/basic_std.jsonl", "image", "words\":[\"0x", 0x1000)]
    [InlineData("v7s/basic_std.jsonl", "api\",\"call\":\"unmap", "ret\":", 0x1000)]
    [InlineData("v7s/basic_std.jsonl", "api\",\"call\":\"iova_to_phys", "ret\":\"0x", 0x1000)]
    [InlineData("v7s/errors_std.jsonl", "api\",\"call\":\"map", "ret\":-", 7)]
    [InlineData("v7s/configs.jsonl", "api\",\"call\":\"alloc_pgtable", "ttbr\":\"0x", 2)]
    [InlineData("v7s/configs.jsonl", "api\",\"call\":\"alloc_pgtable", "prrr\":\"0x", 2)]
    [InlineData("v7s/configs.jsonl", "api\",\"call\":\"alloc_pgtable", "pgsizes\":\"0x", 0x10000)]
    [InlineData("v7s/split_std.jsonl", "mem", "fill\":\"0x", 0x1000)]
    [InlineData("v7s/random_120_tlb.jsonl", "mem", "words\":[\"0x", 0x1000)]
    [InlineData("lpae/basic_s1_64k_52.jsonl", "mem", "words\":[\"0x", 0x1000)]
    [InlineData("lpae/prot_mali.jsonl", "mem", "words\":[\"0x", 0x40)]
    [InlineData("lpae/configs.jsonl", "api\",\"call\":\"alloc_pgtable", "rootEntries\":", 1)]
    [InlineData("lpae/configs.jsonl", "api\",\"call\":\"alloc_pgtable", "tsz\":", 1)]
    [InlineData("lpae/configs.jsonl", "api\",\"call\":\"alloc_pgtable", "sl\":", 1)]
    [InlineData("lpae/configs.jsonl", "api\",\"call\":\"alloc_pgtable", "transtab\":\"0x", 4)]
    [InlineData("lpae/dirty_s1_hd.jsonl", "api\",\"call\":\"read_and_clear_dirty", "ret\":-", 7)]
    [InlineData("lpae/dirty_s1_hd.jsonl", "mem", "fill\":\"0x", 0x80)]
    [InlineData("amd/grow_levels.jsonl", "expect", "pa\":\"0x", 0x1000)]
    [InlineData("amd/random_300.jsonl", "image", "words\":[\"0x", 0x1000)]
    public void A_changed_value_is_reported_at_its_line(string file, string kind, string before, long change)
    {
        var lines = File.ReadAllLines(VectorFolder.Path(file));
        var matching = lines.Index().Where(line => line.Item.StartsWith(
            $"{{\"e\":\"{kind}\"",
            StringComparison.Ordinal) && line.Item.Contains(before,
            StringComparison.Ordinal)).Select(line => line.Index);
        var index = kind == "mem" ? matching.First() : matching.Last();
        lines[index] = Change(lines[index], before, change);

        var result = Replays.Run(VectorFile.Parse(file, lines));

        Assert.Equal(index + 1, result.Tables.First?.Line);
    }

    [Fact]
    public void An_accepted_configuration_that_was_refused_is_reported()
    {
        var lines = File.ReadAllLines(VectorFolder.Path("v7s/configs.jsonl"));
        lines[1] = lines[1].Replace("\"ok\":false", "\"ok\":true", StringComparison.Ordinal);
        Assert.Equal(2, Replays.Run(VectorFile.Parse("configs", lines)).Tables.First?.Line);
    }

    [Fact]
    public void A_refused_configuration_that_was_accepted_is_reported_and_the_next_table_replayed()
    {
        var lines = File.ReadAllLines(VectorFolder.Path("lpae/basic_s1_4k_48.jsonl")).ToList();
        var second = lines[1..];
        lines[1] = lines[1].Replace("\"oas\":48", "\"oas\":41", StringComparison.Ordinal);
        var refused = Replays.Run(VectorFile.Parse("file", lines)).Tables;
        Assert.Equal((0, 1, 2), (refused.Passed, refused.Failed, refused.First?.Line));

        var both = Replays.Run(VectorFile.Parse("file", [.. lines, .. second])).Tables;
        Assert.Equal(1, both.Failed);
        Assert.True(both.Passed > 20);
    }

    [Theory]
    [InlineData("dirty", "iova", 0x1000)]
    [InlineData("root", "levels", 1)]
    public void A_changed_effect_is_reported_at_its_call(string kind, string member, long change)
    {
        var file = kind == "root" ? "amd/grow_levels.jsonl" : "lpae/dirty_s1_hd.jsonl";
        var lines = File.ReadAllLines(VectorFolder.Path(file));
        var index = Array.FindIndex(lines, line => line.StartsWith($"{{\"e\":\"{kind}\"", StringComparison.Ordinal));
        lines[index] = Change(lines[index], kind == "root" ? $"{member}\":" : $"{member}\":\"0x", change);
        var call = Array.FindLastIndex(lines, index, line => line.StartsWith("{\"e\":\"api\"", StringComparison.Ordinal));
        Assert.Equal(call + 1, Replays.Run(VectorFile.Parse(file, lines)).Tables.First?.Line);
    }

    [Fact]
    public void An_unknown_quirk_is_bad_input()
    {
        var lines = File.ReadAllLines(VectorFolder.Path("v7s/basic_std.jsonl"));
        lines[1] = lines[1].Replace("\"quirks\":[]", "\"quirks\":[\"ODD\"]", StringComparison.Ordinal);
        Assert.Contains(
            ":2: 'quirks' has 'ODD'",
            Assert.Throws<VectorException>(() => Replays.Run(VectorFile.Parse("file", lines))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v7s/configs.jsonl", "OUTER_WBWA")]
    [InlineData("v7s/configs.jsonl", "HD")]
    [InlineData("lpae/configs.jsonl", "NO_PERMS")]
    [InlineData("lpae/configs.jsonl", "MTK_EXT")]
    public void A_quirk_of_another_library_is_refused(string file, string quirk)
    {
        var lines = File.ReadAllLines(VectorFolder.Path(file));
        var index = Array.FindIndex(
            lines,
            line => line.Contains("\"ok\":false", StringComparison.Ordinal) && line.Contains("\"quirks\":[", StringComparison.Ordinal));
        lines[index] = Regex.Replace(lines[index], "\"quirks\":\\[[^]]*\\]", $"\"quirks\":[\"{quirk}\"]");
        Assert.Equal(0, Replays.Run(VectorFile.Parse(file, lines)).Failed);
    }

    private static string Change(string line, string before, long change)
    {
        var isHex = before.EndsWith("0x", StringComparison.Ordinal);
        return Regex.Replace(line, $"({Regex.Escape(before)})([0-9a-f]+)", match => isHex
            ? $"{match.Groups[1].Value}{Convert.ToInt64(match.Groups[2].Value, 16) ^ change:x}"
            : $"{match.Groups[1].Value}{Convert.ToInt64(match.Groups[2].Value, 10) ^ change}");
    }

    [Fact]
    public void A_file_that_is_no_vector_file_is_an_error_of_the_library_like_any_other()
    {
        var error = Assert.ThrowsAny<Core.ApertureException>(() => VectorFile.Parse("file", ["not json"]));
        Assert.Equal(Core.Status.InvalidArgument, error.Status);
    }
}
