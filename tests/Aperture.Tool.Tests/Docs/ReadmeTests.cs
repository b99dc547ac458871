using System.Runtime.CompilerServices;
using Aperture.Boards.Running;

namespace Aperture.Tool.Tests.Docs;

public class ReadmeTests
{
    [Theory]
    [InlineData("FirstDriver")]
    [InlineData("EmbeddedUnit")]
    public void Readme_shows_the_samples_as_they_are(string sample)
    {
        var source = File.ReadAllText(Path.Combine(Root(), "samples", sample, "Program.cs")).TrimEnd();
        Assert.Contains("```csharp\n" + source + "\n```", File.ReadAllText(Path.Combine(Root(), "README.md")), StringComparison.Ordinal);
    }

    [Fact]
    public void Readme_names_every_scenario()
    {
        var readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        Assert.NotEmpty(Scenarios.All);
        Assert.All(Scenarios.All, scenario => Assert.Contains($"| `{scenario.Name}` |", readme, StringComparison.Ordinal));
    }

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../../.."));
}
