using System.Text;
using System.Text.Json;
using Aperture.Boards.Checking;

namespace Aperture.Tool.Check;

/// <summary>Findings as a SARIF log (OASIS, version 2.1.0): a rule for each code, the tree's file as the artifact, the node as the logical
/// location.</summary>
internal static class CheckSarif
{
    public static void Write(IReadOnlyList<CheckResult> results, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
            json.WriteString("version", "2.1.0");
            json.WriteStartArray("runs");
            json.WriteStartObject();
            (string Board, Finding Finding)[] all =
                [.. results.SelectMany(result => result.Findings.SelectMany(Flat).Select(finding => (result.Board, finding)))];
            string[] codes = [.. all.Select(each => each.Finding.Code).Distinct().Order(StringComparer.Ordinal)];
            WriteTool(codes, json);
            json.WriteStartArray("results");
            foreach (var (board, finding) in all)
                Write(board, finding, codes, json);
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static IEnumerable<Finding> Flat(Finding finding) => finding.FollowUps.SelectMany(Flat).Prepend(finding);

    private static void WriteTool(string[] codes, Utf8JsonWriter json)
    {
        json.WriteStartObject("tool");
        json.WriteStartObject("driver");
        json.WriteString("name", "aperture");
        json.WriteString("version", typeof(CheckSarif).Assembly.GetName().Version?.ToString(3));
        json.WriteStartArray("rules");
        foreach (var code in codes)
        {
            json.WriteStartObject();
            json.WriteString("id", code);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Write(string board, Finding finding, string[] codes, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("ruleId", finding.Code);
        json.WriteNumber("ruleIndex", Array.IndexOf(codes, finding.Code));
        json.WriteString("level", finding.Severity == FindingSeverity.Info ? "note" : CheckCommand.Name(finding.Severity));
        json.WriteStartObject("message");
        json.WriteString("text", $"{finding.Node}: {finding.Message}");
        json.WriteEndObject();
        json.WriteStartArray("locations");
        json.WriteStartObject();
        json.WriteStartObject("physicalLocation");
        json.WriteStartObject("artifactLocation");
        json.WriteString("uri", Uri.EscapeDataString(finding.Overlay ?? board).Replace("%2F", "/", StringComparison.Ordinal));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartArray("logicalLocations");
        json.WriteStartObject();
        json.WriteString("fullyQualifiedName", finding.Node);
        json.WriteString("kind", "object");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
