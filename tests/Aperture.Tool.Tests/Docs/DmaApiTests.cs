using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Aperture.Dma;

namespace Aperture.Tool.Tests.Docs;

public class DmaApiTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(Root(), "docs", "dma-api.md"));

    public static TheoryData<string> Examples =>
        [.. s_page.Split("```csharp\n").Skip(1).Select(part => part[..part.IndexOf("```", StringComparison.Ordinal)])];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Examples_are_parts_of_the_tests(string example) =>
        Assert.Contains(Trimmed(example), Source("Docs", "DmaRecipeTests.cs") + Source("MemoryRegionTests.cs"), StringComparison.Ordinal);

    [Fact]
    public void Every_attribute_and_every_figure_is_there()
    {
        Assert.All(Enum.GetNames<DmaAttributes>().Where(name => name != "None"), name =>
            Assert.Contains($"| `{name}` |", s_page, StringComparison.Ordinal));
        var missing = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name != "Aperture.Dma")
                    return;
                var name = instrument.Name["aperture.dma".Length..];
                if (!s_page.Contains($"`{name}`", StringComparison.Ordinal)
                    && !s_page.Contains($"`aperture.dma{name}`", StringComparison.Ordinal))
                    missing.Add(instrument.Name);
            },
        };
        RuntimeHelpers.RunClassConstructor(
            typeof(DmaContext).Assembly.GetType("Aperture.Dma.Meters.DmaMeter", throwOnError: true)!.TypeHandle);
        listener.Start();
        Assert.Empty(missing);
    }

    /// <summary>A test that the page shows parts of.</summary>
    private static string Source(params ReadOnlySpan<string> path) =>
        Trimmed(File.ReadAllText(Path.Combine([Root(), "tests", "Aperture.Boards.Tests", .. path])));

    /// <summary>The lines without their indentation.</summary>
    private static string Trimmed(string code) => string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()))
        .Trim();

    private static string Root([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../../.."));
}
