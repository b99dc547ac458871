using System.Runtime.CompilerServices;

namespace Aperture.Hardware.Tests.Emulators;

/// <summary>The pages of docs/units: each shows its unit in an emulator, by what a test beside this one is made of.</summary>
public class UnitPageTests
{
    private const string Heading = "## In an emulator\n\n```csharp\n";

    public static TheoryData<string> Pages =>
        [.. Directory.GetFiles(Folder("docs", "units"), "*.md").Select(path => Path.GetFileName(path)).Where(page => page != "README.md")];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_page_shows_its_unit_in_an_emulator_by_code_that_runs(string page)
    {
        var text = File.ReadAllText(Path.Combine(Folder("docs", "units"), page));
        Assert.Contains(Heading, text, StringComparison.Ordinal);
        var example = text[(text.IndexOf(Heading, StringComparison.Ordinal) + Heading.Length)..];
        var parts = example[..example.IndexOf("\n```", StringComparison.Ordinal)].Split("\n\n", 2);
        Assert.Equal(2, parts.Length); // what it uses, and the code
        var sources = Directory.GetFiles(Folder("tests", "Aperture.Hardware.Tests", "Emulators"), "*.cs").Select(Lines).ToArray();
        Assert.Contains(sources, source =>
            source.Contains(Trimmed(parts[1]), StringComparison.Ordinal) && parts[0].Split('\n').All(source.Split('\n').Contains));
    }

    private static string Lines(string path) => Trimmed(File.ReadAllText(path));

    /// <summary>The lines without their indentation.</summary>
    private static string Trimmed(string code) =>
        string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim())).Trim();

    private static string Folder(params ReadOnlySpan<string> path) => Path.Combine([Root(), .. path]);

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../../.."));
}
