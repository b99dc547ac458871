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

    private static (int Code, string Output) Check(string board, bool json)
    {
        using var output = new StringWriter();
        var code = CheckCommand.Run(board, json, output);
        return (code, output.ToString().Trim());
    }
}
