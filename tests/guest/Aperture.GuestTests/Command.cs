using System.Diagnostics;

namespace Aperture.GuestTests;

/// <summary>The command line tool as a process of its own.</summary>
internal static class Command
{
    /// <summary>Runs <c>aperture</c> and waits for its end.</summary>
    /// <returns>Its exit code, and what it printed and complained of.</returns>
    public static (int ExitCode, string Output, string Errors) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!,
            [Path.Join(AppContext.BaseDirectory, "Aperture.Tool.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        start.Environment["DOTNET_TieredCompilation"] = "0"; // it does not live long enough for code to be compiled twice
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }

    /// <summary>Runs <c>aperture</c>, which must end with a code and print certain lines, in order; a line may have more around the
    /// words.</summary>
    /// <returns>What it printed.</returns>
    public static string Expect(int exitCode, string[] arguments, params string[] lines)
    {
        var (code, output, errors) = Run(arguments);
        var all = $"aperture {string.Join(' ', arguments)}, exit code {code}: {output}{errors}";
        Check.Equal(exitCode, code, all);
        var at = 0;
        var printed = output + errors;
        foreach (var line in lines)
        {
            at = printed.IndexOf(line, at, StringComparison.Ordinal);
            Check.That(at >= 0, $"'{line}' is printed in its place by {all}");
            at += line.Length;
        }

        return output;
    }
}
