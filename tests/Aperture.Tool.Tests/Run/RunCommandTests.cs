using System.Text.Json;

namespace Aperture.Tool.Tests.Run;

public class RunCommandTests
{
    public static TheoryData<string> Boards => [.. BoardFile.Embedded];

    [Theory]
    [MemberData(nameof(Boards))]
    public void A_board_inside_the_tool_passes_and_text_has_no_escape_codes(string board)
    {
        var (code, output, error) = Tool.Run(board);
        Assert.Equal(0, code);
        Assert.Empty(error);
        Assert.DoesNotContain('\e', output);
        Assert.EndsWith("all held", output.TrimEnd(), StringComparison.Ordinal);
        Assert.DoesNotContain("failed", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Json_has_the_documented_members(string board)
    {
        var (code, output, _) = Tool.Run(board, json: true);
        Assert.Equal(0, code);
        var root = JsonDocument.Parse(output).RootElement;
        Assert.Equal(
            ["board", "masters", "functions", "units", "deferred", "scenario", "summary", "findings", "suppressed", "faults"],
            root.EnumerateObject().Select(member => member.Name));
        Assert.Equal(JsonValueKind.String, root.GetProperty("board").ValueKind);
        Assert.Empty(root.GetProperty("deferred").EnumerateArray());
        Assert.Empty(root.GetProperty("findings").EnumerateArray());
        Assert.True(root.GetProperty("scenario").GetProperty("ok").GetBoolean());
        Assert.NotEmpty(root.GetProperty("scenario").GetProperty("name").GetString()!);
        Assert.NotEmpty(root.GetProperty("scenario").GetProperty("lines").EnumerateArray().Select(line => line.GetString()));
        Assert.NotEmpty(root.GetProperty("masters").EnumerateArray());
        foreach (var master in root.GetProperty("masters").EnumerateArray())
        {
            Assert.NotEmpty(master.GetProperty("name").GetString()!);
            Assert.NotEmpty(master.GetProperty("units").EnumerateArray().Select(unit => unit.GetString()));
            _ = master.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32()).ToArray();
            Assert.InRange(master.GetProperty("group").GetInt32(), 0, 100);
            Assert.Equal("DMA", master.GetProperty("domain").GetString());
            Assert.Equal(
                ["write=ok", "read=ok", "afterUnmap=blocked", "outside=blocked", "foreign=blocked"],
                master.GetProperty("selfTest").EnumerateObject().Select(check => $"{check.Name}={check.Value.GetString()}"));
        }

        foreach (var function in root.GetProperty("functions").EnumerateArray())
        {
            Assert.Equal(["name", "compatible", "driver", "interrupts", "group", "domain"], function.EnumerateObject()
                .Select(member => member.Name));
            Assert.NotEmpty(function.GetProperty("driver").GetString()!);
            Assert.Equal("DMA", function.GetProperty("domain").GetString());
        }

        var names = root.GetProperty("masters").EnumerateArray().Concat(root.GetProperty("functions").EnumerateArray())
            .Select(master => master.GetProperty("name").GetString()).ToHashSet();
        foreach (var unit in root.GetProperty("units").EnumerateArray())
        {
            Assert.Equal(["name", "compatible", "driver", "masters", "tlb", "faults"], unit.EnumerateObject()
                .Select(member => member.Name));
            Assert.NotEmpty(unit.GetProperty("driver").GetString()!);
            Assert.NotEmpty(unit.GetProperty("compatible").GetString()!);
            Assert.All(unit.GetProperty("masters").EnumerateArray(), master => Assert.Contains(master.GetString(), names));
            Assert.Equal(["entries", "hits", "misses", "invalidations"], unit.GetProperty("tlb").EnumerateObject()
                .Select(member => member.Name));
            Assert.All(unit.GetProperty("tlb").EnumerateObject(), member => Assert.InRange(member.Value.GetInt64(), 0, long.MaxValue));
            Assert.InRange(unit.GetProperty("faults").GetInt64(), 0, long.MaxValue);
        }
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void The_same_input_gives_the_same_bytes(string board)
    {
        using var first = new TemporaryFile();
        using var second = new TemporaryFile();
        Assert.Equal(Tool.Run(board, json: true, trace: first.Path), Tool.Run(board, json: true, trace: second.Path));
        Assert.Equal(File.ReadAllBytes(first.Path), File.ReadAllBytes(second.Path));
        Assert.Equal(Tool.Run(board), Tool.Run(board));
    }

    [Theory]
    [InlineData("omap3-isp", "isp-capture", 320, 240)]
    [InlineData("exynos4412-media", "fimc-m2m", 480, 360)]
    public void A_scenario_writes_its_picture(string board, string scenario, int width, int height)
    {
        using var picture = new TemporaryFile();
        Assert.Equal(0, Tool.Run(board, scenario, picture: picture.Path).Code);
        Png.AssertValid(File.ReadAllBytes(picture.Path), width, height);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("copy")]
    [InlineData("nic")]
    [InlineData("sdcard")]
    [InlineData("shared-buffer")]
    public void The_default_board_runs_without_arguments(string? scenario)
    {
        var (code, output, _) = Tool.Run(null, scenario, json: true);
        Assert.Equal(0, code);
        var root = JsonDocument.Parse(output).RootElement;
        Assert.Contains(BoardFile.Default, root.GetProperty("board").GetString(), StringComparison.Ordinal);
        Assert.Equal(scenario ?? "fimc-m2m", root.GetProperty("scenario").GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("nowhere.dtb", null, null, null, "nowhere.dtb")]
    [InlineData("", null, null, null, "''")]
    [InlineData("dra7-dsp", "flight", null, null, "flight")]
    [InlineData("dra7-dsp", "isp-capture", null, null, "isp-capture")]
    [InlineData("dra7-dsp", null, "/nowhere/trace", null, "/nowhere/trace")]
    [InlineData("dra7-dsp", null, "", null, "''")]
    [InlineData("dra7-dsp", null, null, "picture.png", "picture.png")]
    [InlineData("omap3-isp", null, null, "/nowhere/picture.png", "/nowhere/picture.png")]
    public void Bad_input_is_one_line_that_names_it(string board, string? scenario, string? trace, string? picture, string name)
    {
        var (code, _, error) = Tool.Run(board, scenario, trace: trace, picture: picture);
        Assert.Equal(2, code);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Contains(name, error, StringComparison.Ordinal);
        Assert.False(File.Exists("picture.png"));
    }

    [Fact]
    public void What_is_no_device_tree_is_bad_input()
    {
        foreach (var content in (byte[][])[[], [1, 2, 3], new byte[4096], [0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 40]])
        {
            using var file = new TemporaryFile(content);
            var (code, output, error) = Tool.Run(file.Path);
            Assert.Equal((2, ""), (code, output));
            Assert.Single(error.TrimEnd().Split('\n'));
            Assert.Contains(file.Path, error, StringComparison.Ordinal);
        }
    }
}
