using System.Text;
using System.Text.Json;
using Aperture.Conformance;
using Spectre.Console;

namespace Aperture.Tool.Conform;

/// <summary>The results of several files, as text or JSON.</summary>
internal sealed class ConformReport
{
    private readonly List<FileResult> _files = [];

    /// <summary>Comparisons that held.</summary>
    public int Passed => _files.Sum(file => file.Passed);

    /// <summary>Comparisons that did not hold.</summary>
    public int Failed => _files.Sum(file => file.Failed);

    /// <summary>Takes a result in.</summary>
    public void Add(FileResult result) => _files.Add(result);

    /// <summary>Writes one JSON object.</summary>
    public void WriteJson(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("files");
            foreach (var file in _files)
                Write(writer, file);
            writer.WriteEndArray();
            writer.WriteNumber("passed", Passed);
            writer.WriteNumber("failed", Failed);
            writer.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }

    /// <summary>Writes one line for each file, what failed, and the deviations by rule.</summary>
    public void WriteText(IAnsiConsole console)
    {
        ArgumentNullException.ThrowIfNull(console);
        foreach (var file in _files)
            Write(console, file);
        var rules = _files.SelectMany(file => file.Deviations).GroupBy(deviation => deviation.Rule).ToArray();
        if (rules.Length > 0)
            console.MarkupLine("deviations by rule (docs/conformance.md):");
        foreach (var rule in rules)
            console.MarkupLineInterpolated($"  {rule.Sum(deviation => deviation.Count),6}  {rule.Key}");
        var skipped = _files.Count(file => file.Skipped is not null);
        console.MarkupLineInterpolated($"{_files.Count - skipped} files, {skipped} skipped: {Passed} passed, {Failed} failed");
    }

    private static void Write(IAnsiConsole console, FileResult file)
    {
        if (file.Skipped is not null)
        {
            console.MarkupLineInterpolated($"[yellow]skip[/] {file.Path}: {file.Skipped}");
            return;
        }

        var verdict = file.Failed == 0 ? "[green]ok[/]  " : "[red]FAIL[/]";
        var deviations = file.Deviations.Sum(deviation => deviation.Count);
        string[] counts =
        [
            Summary("model", file.Model), Summary("driver", file.Driver), Summary("tables", file.Tables),
            deviations > 0 ? $"{deviations} deviations" : "",
        ];
        var summary = string.Join(", ", counts.Where(count => count.Length > 0));
        console.MarkupLine($"{verdict} {Markup.Escape(file.Path)}: {summary}");
        Write(console, "model", file.Model);
        Write(console, "driver", file.Driver);
        Write(console, "tables", file.Tables);
    }

    private static string Summary(string name, ReplayPart part) => (part.Passed, part.Failed) switch
    {
        (0, 0) => "",
        (_, 0) => $"{name} {part.Passed}",
        _ => $"{name} {part.Passed} and {part.Failed} failed",
    };

    private static void Write(IAnsiConsole console, string name, ReplayPart part)
    {
        if (part.First is { } first)
            console.MarkupLineInterpolated($"       {name}, line {first.Line}: expected {first.Expected}; got {first.Got}");
    }

    private static void Write(Utf8JsonWriter writer, FileResult file)
    {
        writer.WriteStartObject();
        writer.WriteString("path", file.Path);
        if (file.Skipped is not null)
            writer.WriteString("skipped", file.Skipped);
        Write(writer, "model", file.Model);
        Write(writer, "driver", file.Driver);
        Write(writer, "tables", file.Tables);
        writer.WriteStartArray("deviations");
        foreach (var deviation in file.Deviations)
        {
            writer.WriteStartObject();
            writer.WriteString("rule", deviation.Rule);
            writer.WriteNumber("count", deviation.Count);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, ReplayPart part)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("passed", part.Passed);
        writer.WriteNumber("failed", part.Failed);
        if (part.First is { } first)
        {
            writer.WriteStartObject("first");
            writer.WriteNumber("line", first.Line);
            writer.WriteString("expected", first.Expected);
            writer.WriteString("got", first.Got);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
