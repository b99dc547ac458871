using System.Text;
using System.Text.Json;
using Aperture.Boards.Checking;

namespace Aperture.Tool.Check;

/// <summary>Findings as one JSON object: of one board its findings, of several a list of boards.</summary>
internal static class CheckJson
{
    public static void Write(IReadOnlyList<CheckResult> results, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            if (results is [var only])
            {
                Write("findings", only.Findings, json);
            }
            else
            {
                json.WriteStartArray("boards");
                foreach (var result in results)
                {
                    json.WriteStartObject();
                    json.WriteString("board", result.Board);
                    Write("findings", result.Findings, json);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static void Write(string name, IReadOnlyList<Finding> findings, Utf8JsonWriter json)
    {
        json.WriteStartArray(name);
        foreach (var finding in findings)
        {
            json.WriteStartObject();
            json.WriteString("code", finding.Code);
            json.WriteString("severity", CheckCommand.Name(finding.Severity));
            if (finding.Overlay is not null)
                json.WriteString("overlay", finding.Overlay);
            json.WriteString("node", finding.Node);
            json.WriteString("message", finding.Message);
            if (finding.FollowUps.Count > 0)
                Write("followUps", finding.FollowUps, json);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
