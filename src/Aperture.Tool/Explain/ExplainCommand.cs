using System.CommandLine;
using System.Text.Json;
using Aperture.Core;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Explain;

/// <summary>The command <c>aperture explain</c>.</summary>
internal static class ExplainCommand
{
    /// <summary>The command. Exit code 0: explained; 2: bad input.</summary>
    public static Command Create()
    {
        var file = new Argument<string>("FILE.json")
        {
            Description = "Findings of the DMA sanitizer or faults of an IOMMU: what 'aperture run --json' prints, or one of the " +
            "objects in it."
        };
        var command = new Command("explain",
            "Tell in plain words what a finding or a fault is, what led to it, and what to do.\n\nExamples:\n  aperture run board.dtb " +
            "--json > run.json; aperture explain run.json")
        {
            file,
        };
        command.SetAction(result => Run(result.GetRequiredValue(file), Console.Out));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string path, TextWriter output)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var stories = Stories(document.RootElement).ToArray();
            output.WriteLine(stories.Length == 0 ? "There are no findings and no faults: all is well." : string.Join("\n\n", stories));
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ApertureException(Status.IoError, $"{path}: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new ApertureException(Status.InvalidArgument, $"{path} holds no finding and no fault: {e.Message}", e);
        }
    }

    private static IEnumerable<string> Stories(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Array)
            return root.EnumerateArray().SelectMany(Stories);
        if (root.TryGetProperty("kind", out _))
            return [Story.OfFinding(root)];
        if (root.TryGetProperty("reason", out _))
            return [Story.OfFault(root)];
        if (!root.TryGetProperty("findings", out var findings) & !root.TryGetProperty("faults", out var faults))
            throw new FormatException("there is no property 'findings', 'faults', 'kind' or 'reason'");
        return [.. Items(findings).Select(Story.OfFinding), .. Items(faults).Select(Story.OfFault)];
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement array) => array.ValueKind == JsonValueKind.Undefined ? default
        : array.EnumerateArray();
}
