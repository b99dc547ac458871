using System.CommandLine;
using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Core;
using Aperture.Diagnostics;
using Aperture.Drivers.Imaging;
using Spectre.Console;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Run;

/// <summary>The command <c>aperture run</c>.</summary>
internal static class RunCommand
{
    /// <summary>The command. Exit code 0: all held; 1: something did not; 2: bad input.</summary>
    public static Command Create()
    {
        var board = new Argument<string?>("BOARD.dtb")
        {
            Description = $"A flattened device tree, or the name of a board inside the tool ({string.Join(", ", BoardFile.Embedded)}). Default: {BoardFile.Default}.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var scenario = new Option<string?>("--scenario")
        {
            Description = $"What to run after the self-test: {string.Join(", ", Scenarios.All.Select(each => $"{each.Name} ({each.Description})"))}. Default: the first that the board can run.",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var trace = new Option<string?>("--trace") { Description = "Write the DMA and IOMMU events to this file, as the text of Linux trace events." };
        var picture = new Option<string?>("--picture") { Description = "Write the picture that the scenario makes to this PNG file." };
        var command = new Command(
            "run",
            "Boot a board from its device tree, let every master do DMA through its IOMMUs, and prove that each is confined.\n\nExamples:\n  aperture run\n  aperture run board.dtb --json\n  aperture run omap3-isp --scenario isp-capture --picture frame.png --trace trace.txt")
        {
            board, scenario, json, trace, picture,
        };
        command.SetAction(result => Run(result.GetValue(board), result.GetValue(scenario), result.GetValue(json), result.GetValue(trace), result.GetValue(picture), Console.Out));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string? board, string? scenarioName, bool json, string? trace, string? picture, TextWriter output)
    {
        var tree = BoardFile.Read(board);
        var chosen = scenarioName is null
            ? null
            : Scenarios.Find(scenarioName) ?? throw new ApertureException(Status.NotFound, $"there is no scenario '{scenarioName}'; there are: {string.Join(", ", Scenarios.All.Select(each => each.Name))}");
        using var traceFile = trace is null ? null : Create(trace);
        using var machine = Machine.Boot(tree, new MachineOptions { Trace = traceFile is null ? null : time => new FtraceWriter(traceFile, time) });
        if (chosen is not null && !chosen.AppliesTo(machine))
            throw new ApertureException(Status.NotSupported, $"{tree.Board} cannot run scenario '{chosen.Name}': {chosen.Description}");

        var console = Terminal.For(output);
        var report = json || !console.Profile.Capabilities.Interactive || Console.IsOutputRedirected
            ? Execute(machine, chosen, _ => { })
            : console.Progress().HideCompleted(true).AutoClear(true).Start(progress =>
            {
                var task = progress.AddTask("self-test", maxValue: Math.Max(1, machine.Masters.Count));
                return Execute(machine, chosen, name =>
                {
                    task.Description = Markup.Escape(name);
                    task.Increment(1);
                });
            });
        if (picture is not null)
            WritePicture(report, picture);
        if (json)
            RunJson.Write(report, output);
        else
            RunText.Write(report, console);
        return report.IsOk ? 0 : 1;
    }

    private static RunReport Execute(Machine machine, IScenario? chosen, Action<string> progress)
    {
        var test = new SelfTest(machine);
        var results = new List<MasterResult>();
        foreach (var master in machine.Masters)
        {
            progress(master.Name);
            results.Add(test.Run(master));
        }

        var scenario = chosen ?? Scenarios.Default(machine);
        progress(scenario?.Name ?? "");
        return new RunReport(machine, results, scenario?.Run(machine));
    }

    private static void WritePicture(RunReport report, string path)
    {
        if (report.Scenario?.Picture is not { } picture)
            throw new ApertureException(Status.NotSupported, $"scenario '{report.Scenario?.Name ?? "none"}' makes no picture for {path}");
        using var file = Create(path).BaseStream;
        PngWriter.Write(file, picture);
    }

    private static StreamWriter Create(string path)
    {
        try
        {
            return new StreamWriter(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ApertureException(Status.IoError, $"{path}: {e.Message}", e);
        }
    }
}
