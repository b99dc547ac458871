using System.CommandLine;
using Aperture.Boards.Units;
using Aperture.Conformance;
using Aperture.Conformance.Drivers;
using Aperture.Conformance.Vectors;
using Aperture.Core;

namespace Aperture.Tool.Conform;

/// <summary>The command <c>aperture conform</c>.</summary>
internal static class ConformCommand
{
    /// <summary>The command, for the tool's root command. Exit code 0: all held; 1: something did not; 2: bad input.</summary>
    public static Command Create()
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Vector files, or directories with .jsonl files in them.",
            Arity = ArgumentArity.OneOrMore,
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var command = new Command(
            "conform",
            "Replay recorded reference vectors against our unit models and drivers.\n\nExamples:\n"
                + "  aperture conform vectors/omap\n  aperture conform vectors/exynos/random_500_v5.jsonl --json")
        {
            paths,
            json,
        };
        command.SetAction(result => Run(result.GetValue(paths)!, result.GetValue(json), Console.Out, Console.Error));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(IReadOnlyList<string> paths, bool json, TextWriter output, TextWriter error)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(error);
        var replay = new VectorReplay(UnitList.Default.Kinds.Select(kind => kind.Conformance).OfType<DriverFamily>());
        var report = new ConformReport();
        var problems = 0;
        try
        {
            var files = VectorReplay.Expand(paths);
            foreach (var file in files)
            {
                try
                {
                    report.Add(replay.Run(file));
                }
                catch (ApertureException e)
                {
                    problems++;
                    error.WriteLine(e is VectorException ? e.Message : $"{file}: {e.Message}");
                }
            }
        }
        catch (VectorException e)
        {
            error.WriteLine(e.Message);
            return 2;
        }

        if (json)
            report.WriteJson(output);
        else
            report.WriteText(Terminal.For(output));
        return problems > 0 ? 2 : report.Failed > 0 ? 1 : 0;
    }
}
