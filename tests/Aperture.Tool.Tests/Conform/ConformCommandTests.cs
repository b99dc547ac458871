using System.Text.Json;
using Aperture.Conformance.Tests;
using Aperture.Tool.Conform;

namespace Aperture.Tool.Tests.Conform;

/// <summary>The command's face: exit codes, errors, JSON.</summary>
public class ConformCommandTests
{
    [Fact]
    public void Good_files_give_exit_code_0_and_one_line_each()
    {
        Assert.Equal(0, Run(false, out var output, out var error, VectorFolder.Path("omap/tlb_flush.jsonl"),
            VectorFolder.Path("exynos/basic_pagesizes_v5.jsonl")));
        Assert.Empty(error);
        Assert.Contains("tlb_flush.jsonl: model ", output, StringComparison.Ordinal);
        Assert.Contains("0 failed", output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', output);
    }

    [Fact]
    public void Json_has_the_documented_members()
    {
        Assert.Equal(0, Run(true, out var output, out _, VectorFolder.Path("omap/tlb_flush.jsonl")));
        var root = JsonDocument.Parse(output).RootElement;
        var file = root.GetProperty("files")[0];
        Assert.True(file.GetProperty("model").GetProperty("passed").GetInt32() > 100);
        Assert.Equal(0, file.GetProperty("driver").GetProperty("failed").GetInt32());
        Assert.Equal(0, file.GetProperty("tables").GetProperty("failed").GetInt32());
        Assert.Equal(JsonValueKind.Array, file.GetProperty("deviations").ValueKind);
        Assert.Equal(0, root.GetProperty("failed").GetInt32());
        Assert.True(root.GetProperty("passed").GetInt32() >= file.GetProperty("model").GetProperty("passed").GetInt32());
    }

    [Theory]
    [InlineData("nothing/here.jsonl", "no such file")]
    public void A_missing_path_is_bad_input(string path, string problem)
    {
        Assert.Equal(2, Run(false, out _, out var error, path));
        Assert.Equal($"{path}: there is no such file or directory", error.Trim());
        Assert.Contains(problem, error, StringComparison.Ordinal);
    }

    private const string Meta = "{\"e\":\"meta\",\"driver\":\"omap\",\"ramBase\":\"0x80000000\"}\n";

    [Theory]
    [InlineData(Meta + "{\"e\":\"uni", ":2: the line is not JSON")]
    [InlineData("{\"e\":\"api\",\"call\":\"map\"}", ":1: this is no vector file")]
    [InlineData("", "this is no vector file")]
    [InlineData(Meta + "{\"e\":\"w\",\"unit\":\"x\",\"off\":\"0x0\",\"val\":\"0x0\"}", ":2: there is no unit x")]
    [InlineData(Meta + "{\"e\":\"image\",\"pa\":\"0x1000\",\"bits\":32,\"words\":[\"0x0\"]}", ":2: there is no table memory")]
    [InlineData(Meta + "{\"e\":\"mem\",\"pa\":\"0xf00000000\",\"bits\":32,\"words\":[\"0x0\"]}", "more than 4 GiB")]
    [InlineData(Meta + "{\"e\":\"unit\",\"unit\":\"x\",\"pa\":\"0x0\",\"size\":-4}", ":2: 'size'")]
    public void A_bad_file_is_bad_input_with_its_line(string text, string problem)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, text);
            Assert.Equal(2, Run(false, out _, out var error, path));
            Assert.Contains(problem, error, StringComparison.Ordinal);
            Assert.Single(error.TrimEnd().Split('\n'));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_family_without_a_model_is_skipped()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "{\"e\":\"meta\",\"driver\":\"unheard\",\"ramBase\":\"0x80000000\"}\n");
            Assert.Equal(0, Run(false, out var output, out _, path));
            Assert.Contains("family unheard is not modelled yet", output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static int Run(bool json, out string output, out string error, params string[] paths)
    {
        using var standard = new StringWriter();
        using var errors = new StringWriter();
        var code = ConformCommand.Run(paths, json, standard, errors);
        output = standard.ToString();
        error = errors.ToString();
        return code;
    }
}
