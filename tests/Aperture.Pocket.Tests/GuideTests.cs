using System.Runtime.CompilerServices;
using Aperture.Boards;
using Aperture.Boards.Checking;
using Aperture.Boards.Running;
using Aperture.Boards.Units;
using Aperture.Pocket.Tests.Sum;

namespace Aperture.Pocket.Tests;

/// <summary>The examples of docs/guides/own-models.md, which shows parts of the files of this project as they are.</summary>
public class GuideTests
{
    [Fact]
    public void All_of_it()
    {
        var tree = Tree.Build();

        var options = new MachineOptions { Units = [new PocketUnitKind()], Masters = [new SumKind()] };
        using var machine = Machine.Boot(tree, options);
        var client = (SumClient)machine.Masters[1].Device!.Bound!;
        var sum = client.Sum([1, 2, 3]);

        var test = new SelfTest(machine);
        var results = machine.Masters.Select(test.Run).ToList();

        var findings = BoardChecker.Check(tree, UnitList.Default.With([new PocketUnitKind()]));

        Assert.Equal(6u, sum);
        Assert.Equal(2, results.Count);
        Assert.All(results.SelectMany(result => result.Checks), check => Assert.Equal("", check.Result.Reason));
        Assert.Empty(findings);
    }

    [Fact]
    public void Examples_are_parts_of_the_tests()
    {
        var folder = Path.GetDirectoryName(Here())!;
        var files = Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories).Select(file => Lines(File.ReadAllText(file))).ToArray();
        var page = Lines(File.ReadAllText(Path.Combine(folder, "../../docs/guides/own-models.md")));
        var examples = page.Split("```csharp\n")
            .Skip(1)
            .Select(part => part[..part.IndexOf("```", StringComparison.Ordinal)].Trim())
            .ToArray();
        Assert.Equal(4, examples.Length);
        Assert.All(examples, example => Assert.Contains(files, file => file.Contains(example, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_recording_that_conformance_md_shows_is_made_of_lines_of_ours()
    {
        var folder = Path.GetDirectoryName(Here())!;
        var recording = File.ReadAllLines(Path.Combine(folder, "Conform/basic.jsonl"));
        var page = File.ReadAllText(Path.Combine(folder, "../../docs/conformance.md")).ReplaceLineEndings("\n");
        var shown = page.Split("```json\n")[1].Split("```")[0].Trim().Split('\n');
        Assert.Equal(shown, recording.Where(shown.Contains));
    }

    /// <summary>The lines without their indentation.</summary>
    private static string Lines(string code) => string.Join('\n', code.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()));

    private static string Here([CallerFilePath] string path = "") => path;
}
