using Aperture.Boards.Checking;
using Aperture.Boards.Running;
using Aperture.Core;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Tests.Trees;

/// <summary>Trees of Debian's kernels (tests/trees/fetch), in the directory that APERTURE_TREES names: none gets an error, all boot, and
/// every master that is tested holds. A hundred of them by seed, or all where APERTURE_TREES_COUNT says "all"
/// (tests/trees/check).</summary>
public class DebianTreeTests(Xunit.Abstractions.ITestOutputHelper output)
{
    private static readonly string? s_folder = Environment.GetEnvironmentVariable("APERTURE_TREES");

    [TreesTheory]
    [InlineData(6_12)]
    public void A_real_tree_gets_no_error_and_runs(int seed)
    {
        var files = Directory.GetFiles(s_folder!, "*.dtb", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray();
        if (Environment.GetEnvironmentVariable("APERTURE_TREES_COUNT") != "all")
        {
            new Random(seed).Shuffle(files);
            files = files[..Math.Min(100, files.Length)];
        }

        output.WriteLine($"seed {seed}, {files.Length} trees");
        Assert.NotEmpty(files);
        var (tested, skipped) = (0, 0);
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var wrong = new List<string>();
        foreach (var file in files)
        {
            var tree = DeviceTree.Parse(File.ReadAllBytes(file));
            var name = Path.GetFileName(file);
            wrong.AddRange(
                BoardChecker.Check(tree).Where(finding => finding.Severity == FindingSeverity.Error).Select(finding => $"{name}: "
                    + $"{finding}"));
            using var machine = Boot(tree, out var why);
            if (machine is null)
            {
                wrong.Add($"{name}: {why}");
                continue;
            }

            wrong.AddRange(UnboundDevices.Find(machine).Values.Select(why => $"{name}: {why}"));
            var test = new SelfTest(machine);
            foreach (var result in machine.Masters.Select(test.Run))
            {
                _ = result.Master.Skipped is null ? tested++ : skipped++;
                if (!result.IsFine)
                    wrong.Add($"{name}: {result.Master.Name}: "
                        + $"{string.Join("; ", result.Checks.Select(check => check.Result.Reason).Distinct())}");
            }
        }

        output.WriteLine($"{tested} masters held, {skipped} were skipped; {watch.Elapsed.TotalSeconds:f1} s");
        Assert.Equal([], wrong);
        Assert.True(tested > 0);
    }

    private static Machine? Boot(DeviceTree tree, out string why)
    {
        why = "";
        try
        {
            return Machine.Boot(tree);
        }
        catch (ApertureException e)
        {
            why = e.Message;
            return null;
        }
    }

    private sealed class TreesTheoryAttribute : TheoryAttribute
    {
        public TreesTheoryAttribute() => Skip = Directory.Exists(s_folder) ? null : "needs APERTURE_TREES (tests/trees/fetch trees "
            + "prints the folder)";
    }
}
