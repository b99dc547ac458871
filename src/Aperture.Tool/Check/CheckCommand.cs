using System.CommandLine;
using System.Text.Json;
using Aperture.Boards.Checking;
using Spectre.Console;

namespace Aperture.Tool.Check;

/// <summary>The command <c>aperture check</c>.</summary>
internal static class CheckCommand
{
    /// <summary>The command. Exit code 0: no error; 1: an error; 2: no device tree.</summary>
    public static Command Create()
    {
        var board = new Argument<string>("BOARD.dtb") { Description = "A flattened device tree, or the name of a board inside the tool." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var command = new Command("check",
            "Check a device tree's IOMMU wiring before it boots.\n\nExamples:\n  aperture check board.dtb\n  aperture check board.dtb " +
            "--json") { board, json };
        command.SetAction(result => Run(result.GetValue(board)!, result.GetValue(json), Console.Out));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string board, bool json, TextWriter output)
    {
        var findings = BoardChecker.Check(BoardFile.Read(board));
        if (json)
            WriteJson(findings, output);
        else
            WriteText(findings, Terminal.For(output));
        return findings.Any(finding => finding.Severity == FindingSeverity.Error) ? 1 : 0;
    }

    private static string Name(FindingSeverity severity) => severity switch
    {
        FindingSeverity.Error => "error",
        FindingSeverity.Warning => "warning",
        _ => "info",
    };

    private static void WriteJson(IReadOnlyList<Finding> findings, TextWriter output)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("findings");
            foreach (var finding in findings)
            {
                json.WriteStartObject();
                json.WriteString("code", finding.Code);
                json.WriteString("severity", Name(finding.Severity));
                json.WriteString("node", finding.Node);
                json.WriteString("message", finding.Message);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteLine(System.Text.Encoding.UTF8.GetString(stream.GetBuffer().AsSpan(0, (int)stream.Length)));
    }

    private static void WriteText(IReadOnlyList<Finding> findings, IAnsiConsole console)
    {
        foreach (var finding in findings)
        {
            var colour = finding.Severity switch
            {
                FindingSeverity.Error => "red",
                FindingSeverity.Warning => "yellow",
                _ => "grey",
            };
            console.MarkupLine($"[{colour}]{Name(finding.Severity)}[/] {Markup.Escape(finding.Code)}: {Markup.Escape(finding.Node)}: " +
                $"{Markup.Escape(finding.Message)}");
        }

        int Count(FindingSeverity severity) => findings.Count(finding => finding.Severity == severity);
        console.WriteLine($"{Count(FindingSeverity.Error)} errors, {Count(FindingSeverity.Warning)} warnings, " +
            $"{Count(FindingSeverity.Info)} notes");
    }
}
