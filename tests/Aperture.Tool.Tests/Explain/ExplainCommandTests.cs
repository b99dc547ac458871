using Aperture.Core;
using Aperture.Tool.Explain;

namespace Aperture.Tool.Tests.Explain;

public sealed class ExplainCommandTests
{
    private const string Record = """
        { "device": "isp", "driver": null, "api": "Single", "address": "0x00001000", "length": 256,
          "memory": "0x80000000", "direction": "FromDevice", "bounced": false,
          "made": { "file": "/src/driver.cs", "line": 12 }, "madeAt": 3, "end": "Unmapped",
          "ended": { "file": "/src/driver.cs", "line": 20 }, "endedAt": 5 }
        """;

    private const string Finding = $$"""
        { "kind": "DeviceUseAfterUnmap", "device": "isp", "driver": "omap3isp", "address": "0x00001010", "length": 16,
          "message": "the device wrote", "advice": "stop the device",
          "at": 6, "count": 3, "mapping": {{Record}}, "neighbours": [], "history": [ {{Record}} ] }
        """;

    private const string Fault = $$"""
        { "unit": "mmu", "device": null, "driver": null, "address": "0x00002000", "access": "Write", "reason": "NotMapped",
          "context": 0, "code": 1, "history": [ {{Record}} ] }
        """;

    [Theory]
    [InlineData(Finding)]
    [InlineData($"[{Finding}]")]
    [InlineData($$"""{ "findings": [ {{Finding}} ], "suppressed": 0 }""")]
    public void A_finding_is_told_with_its_story(string json)
    {
        var text = Explain(json);
        Assert.Contains("DeviceUseAfterUnmap on isp, driver omap3isp, 3 times.", text, StringComparison.Ordinal);
        Assert.Contains("made at /src/driver.cs:12 in call 3; it ended at /src/driver.cs:20, in call 5", text, StringComparison.Ordinal);
        Assert.Contains("What to do: stop the device.", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Fault)]
    [InlineData($$"""{ "board": "b", "findings": [], "faults": [ {{Fault}} ] }""")]
    public void A_fault_is_told_with_its_story(string json)
    {
        var text = Explain(json);
        Assert.Contains("it wrote device address 0x00002000, and nothing was mapped there.", text, StringComparison.Ordinal);
        Assert.Contains("What is and was mapped on that page:", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_to_tell_is_good_news() =>
        Assert.Contains("all is well", Explain("""{ "findings": [], "faults": [] }"""), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("7")]
    [InlineData("""{ "kind": 4 }""")]
    [InlineData("""{ "findings": 3 }""")]
    [InlineData("""{ "reason": "NotMapped" }""")]
    [InlineData("""{ "kind": "x", "device": "d", "count": "many", "message": "" }""")]
    public void Anything_else_is_bad_input(string json) => Assert.Throws<ApertureException>(() => Explain(json));

    [Fact]
    public void A_missing_file_is_bad_input() =>
        Assert.Throws<ApertureException>(() => ExplainCommand.Run("/nowhere/at/all.json", TextWriter.Null));

    private static string Explain(string json)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);
            using var output = new StringWriter();
            Assert.Equal(0, ExplainCommand.Run(path, output));
            return output.ToString();
        }
        finally
        {
            File.Delete(path);
        }
    }
}
