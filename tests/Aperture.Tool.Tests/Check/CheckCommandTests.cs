using System.Text.Json;
using Aperture.DeviceTrees;
using Aperture.Tool.Check;
using Aperture.Tool.Tests.Run;

namespace Aperture.Tool.Tests.Check;

public class CheckCommandTests
{
    public static TheoryData<string> Boards => RunCommandTests.Boards;

    [Theory]
    [MemberData(nameof(Boards))]
    public void Our_boards_are_clean(string board)
    {
        Assert.Equal((0, "0 errors, 0 warnings, 0 notes"), Check(board, false));
        Assert.Equal(0, JsonDocument.Parse(Check(board, true).Output).RootElement.GetProperty("findings").GetArrayLength());
    }

    [Fact]
    public void An_error_is_told_with_its_code_and_node_and_gives_exit_code_1()
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("compatible", "test,board").Cells("#address-cells", 1).Cells("#size-cells", 1);
        writer.BeginNode("codec@1000").Strings("compatible", "test,codec").Cells("reg", 0x1000, 0x100).Cells("iommus", 77).EndNode();
        writer.EndNode();
        using var file = new TemporaryFile(writer.ToArray());
        var (code, output) = Check(file.Path, true);
        Assert.Equal(1, code);
        var findings = JsonDocument.Parse(output).RootElement.GetProperty("findings").EnumerateArray().ToArray();
        Assert.All(findings, finding =>
        {
            Assert.Equal(["code", "severity", "node", "message"], finding.EnumerateObject().Select(member => member.Name));
            Assert.Contains(finding.GetProperty("severity").GetString(), (string[])["error", "warning", "info"]);
        });
        Assert.Contains(findings, finding => finding.GetProperty("code").GetString() == "phandle" && finding.GetProperty("node")
            .GetString() == "/codec@1000");

        var (again, text) = Check(file.Path, false);
        Assert.Equal(1, again);
        Assert.Contains("error phandle: /codec@1000: ", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', text);
    }

    /// <summary>Three masters inside of a unit's registers: each is told of, not only the one behind the unit's start.</summary>
    [Fact]
    public void Every_block_inside_of_another_is_a_finding()
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("compatible", "test,board").Cells("#address-cells", 1).Cells("#size-cells", 1);
        writer.BeginNode("smmu@30000").Strings("compatible", "arm,mmu-500").Cells("reg", 0x3_0000, 0x1_0000)
            .Cells("#iommu-cells", 1).Cells("phandle", 1).EndNode();
        uint[] inside = [0x3_1000, 0x3_8000, 0x3_F000];
        foreach (var at in inside)
        {
            writer.BeginNode($"codec@{at:x}").Strings("compatible", "test,codec").Cells("reg", at, 0x1000)
                .Cells("iommus", 1, at >> 12).EndNode();
        }

        writer.EndNode();
        using var file = new TemporaryFile(writer.ToArray());
        var (_, output) = Check(file.Path, false);
        Assert.Equal(
            inside.Select(at => $"/codec@{at:x}"),
            output.Split('\n').Where(line => line.Contains("of /smmu@30000:", StringComparison.Ordinal))
                .Select(line => line.Split(": ")[1]));
    }

    [Fact]
    public void Several_boards_are_one_call()
    {
        using var broken = new TemporaryFile(Broken());
        var (code, output) = Check([broken.Path, "omap3-isp"], new CheckOptions());
        Assert.Equal(1, code);
        Assert.Contains($"{broken.Path}: error phandle: /codec@1000: ", output, StringComparison.Ordinal);
        Assert.Contains("2 boards, 1 with errors", output, StringComparison.Ordinal);
        var boards = JsonDocument.Parse(Check([broken.Path, "omap3-isp"], new CheckOptions { Form = CheckForm.Json }).Output).RootElement
            .GetProperty("boards").EnumerateArray().ToArray();
        Assert.Equal([broken.Path, "omap3-isp"], boards.Select(board => board.GetProperty("board").GetString()));
        Assert.Equal([1, 0], boards.Select(board => board.GetProperty("findings").GetArrayLength()));
    }

    [Fact]
    public void A_SARIF_log_has_a_rule_a_level_a_file_and_a_node_for_each_finding()
    {
        using var broken = new TemporaryFile(Broken());
        var (code, output) = Check([broken.Path], new CheckOptions { Form = CheckForm.Sarif });
        Assert.Equal(1, code);
        var log = JsonDocument.Parse(output).RootElement;
        Assert.Equal("2.1.0", log.GetProperty("version").GetString());
        var run = Assert.Single(log.GetProperty("runs").EnumerateArray());
        var driver = run.GetProperty("tool").GetProperty("driver");
        Assert.Equal("aperture", driver.GetProperty("name").GetString());
        var result = Assert.Single(run.GetProperty("results").EnumerateArray());
        Assert.Equal("error", result.GetProperty("level").GetString());
        Assert.Equal("phandle", result.GetProperty("ruleId").GetString());
        Assert.Equal(
            "phandle", driver.GetProperty("rules")[result.GetProperty("ruleIndex").GetInt32()].GetProperty("id").GetString());
        var location = result.GetProperty("locations")[0];
        Assert.Equal(broken.Path, location.GetProperty("physicalLocation").GetProperty("artifactLocation").GetProperty("uri").GetString());
        Assert.Equal("/codec@1000", location.GetProperty("logicalLocations")[0].GetProperty("fullyQualifiedName").GetString());
    }

    [Fact]
    public void Strict_fails_for_a_warning()
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("compatible", "test,board").Cells("#address-cells", 1).Cells("#size-cells", 1);
        writer.BeginNode("iommu@1000").Strings("compatible", "test,iommu").Cells("reg", 0x1000, 0x100).Cells("#iommu-cells", 0).EndNode();
        writer.EndNode();
        using var file = new TemporaryFile(writer.ToArray());
        Assert.Equal(0, Check([file.Path], new CheckOptions()).Code);
        Assert.Equal(1, Check([file.Path], new CheckOptions { IsStrict = true }).Code);
    }

    [Theory]
    [InlineData("480bc000.isp", 0, "0 errors")]
    [InlineData("ti,omap3-i*p", 0, "0 errors")]
    [InlineData("/ocp@68000000/isp@*", 0, "0 errors")]
    [InlineData("48056000.dma-controller", 1, "error required: /ocp@68000000/dma-controller@48056000: is to be behind an IOMMU")]
    [InlineData("usb*", 1, "error required: /: no enabled device is called usb*")]
    public void A_device_can_be_required_behind_a_unit(string pattern, int code, string text)
    {
        var (found, output) = Check(["omap3-isp"], new CheckOptions { Required = [pattern] });
        Assert.Equal(code, found);
        Assert.Contains(text, output, StringComparison.Ordinal);
    }

    private static byte[] Broken()
    {
        var writer = new DeviceTreeWriter();
        writer.BeginNode("").Strings("compatible", "test,board").Cells("#address-cells", 1).Cells("#size-cells", 1);
        writer.BeginNode("codec@1000").Strings("compatible", "test,codec").Cells("reg", 0x1000, 0x100).Cells("iommus", 77).EndNode();
        writer.EndNode();
        return writer.ToArray();
    }

    private static (int Code, string Output) Check(IReadOnlyList<string> boards, CheckOptions options)
    {
        using var output = new StringWriter();
        var code = CheckCommand.Run(boards, options, output);
        return (code, output.ToString().Trim());
    }

    private static (int Code, string Output) Check(string board, bool json)
    {
        using var output = new StringWriter();
        var code = CheckCommand.Run([board], new CheckOptions { Form = json ? CheckForm.Json : CheckForm.Text }, output);
        return (code, output.ToString().Trim());
    }
}
