using System.Diagnostics;

namespace Aperture.Boards.Tests.Trees;

/// <summary>The device tree compilers at hand: that in the path, and further ones that APERTURE_DTC names, a colon between
/// (tests/trees/fetch has three versions).</summary>
internal sealed record Dtc(string Path, Version Version)
{
    /// <summary>The compilers; empty when there is none.</summary>
    public static IReadOnlyList<Dtc> All { get; } = [.. Find()];

    /// <summary>The trees under tests/trees.</summary>
    public static string Trees { get; } = System.IO.Path.Combine(Checking.BoardFiles.Own, "..", "tests", "trees");

    /// <summary>Ways to compile a board: plain, with labels, with labels and local fixups.</summary>
    public IReadOnlyList<string[]> Ways => Version >= new Version(1, 7) ? [[], ["-@"], ["-@", "-L"]] : [[], ["-@"]];

    /// <summary>Compiles a source.</summary>
    public byte[] Compile(string source, params IEnumerable<string> options)
    {
        var target = System.IO.Path.GetTempFileName();
        try
        {
            Run(Path, ["-q", "-I", "dts", "-O", "dtb", .. options, "-o", target, source]);
            return File.ReadAllBytes(target);
        }
        finally
        {
            File.Delete(target);
        }
    }

    /// <summary>Puts overlays onto a tree with the tool that comes with the compiler; false where it refuses.</summary>
    public bool TryOverlay(string tree, IEnumerable<string> overlays, string target) => Start(
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? "", "fdtoverlay"), ["-i", tree, "-o", target, .. overlays]) == 0;

    public override string ToString() => $"dtc {Version}";

    private static void Run(string program, string[] arguments) =>
        Assert.Equal((0, ""), (Start(program, arguments, out var errors), errors));

    private static int Start(string program, string[] arguments) => Start(program, arguments, out _);

    private static int Start(string program, string[] arguments, out string told)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        told = errors.Result;
        return process.ExitCode;
    }

    private static IEnumerable<Dtc> Find()
    {
        var named = Environment.GetEnvironmentVariable("APERTURE_DTC")?.Split(':', StringSplitOptions.RemoveEmptyEntries) ?? [];
        var path = Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(folder => System.IO.Path.Combine(folder, "dtc")) ?? [];
        foreach (var program in named.Concat(path.Where(File.Exists).Take(1)))
        {
            using var process = Process.Start(new ProcessStartInfo(program, "--version") { RedirectStandardOutput = true })!;
            var version = process.StandardOutput.ReadToEnd().Split(' ')[^1].Trim().Split('-')[0];
            process.WaitForExit();
            yield return new Dtc(program, System.Version.Parse(version));
        }
    }
}
