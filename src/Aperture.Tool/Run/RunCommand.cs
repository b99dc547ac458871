using System.CommandLine;
using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Core;
using Aperture.Diagnostics;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Imaging;
using Spectre.Console;
using Status = Aperture.Core.Status;

namespace Aperture.Tool.Run;

/// <summary>The command <c>aperture run</c>.</summary>
internal static class RunCommand
{
    private const ulong MaxFaults = 32; // told in detail

    /// <summary>The command. Exit code 0: what was tested held; 1: something did not; 2: bad input; 3: nothing was tested.</summary>
    public static Command Create()
    {
        var board = new Argument<string?>("BOARD.dtb")
        {
            Description = $"{char.ToUpperInvariant(BoardInput.Forms[0])}{BoardInput.Forms[1..]} "
                + $"({string.Join(", ", BoardFile.Embedded)}). " +
                $"Default: {BoardFile.Default}.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        board.Validators.Add(BoardInput.RefuseOptions);
        var overlays = BoardInput.OverlayOption();
        var scenario = new Option<string?>("--scenario")
        {
            Description = "What to run after the self-test: " +
                $"{string.Join(", ", Scenarios.All.Select(each => $"{each.Name} ({each.Description})"))}. Default: the first that the " +
                "board can run.",
        };
        var memory = new Option<string[]>("--memory")
        {
            Description = "RAM instead of what the tree says: a size (512M), which begins where the tree's RAM does, or size and start " +
                "(1G@0x80000000), which may be given several times.",
            HelpName = "SIZE[@START]",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON object." };
        var trace = new Option<string?>("--trace")
        {
            Description = "Write the DMA and IOMMU events to this file, as the text of Linux trace events.",
        };
        var picture = new Option<string?>("--picture")
        {
            Description = "Write the picture that the scenario makes to this PNG file; of a workload's times an SVG file, where its name " +
                "ends so.",
        };
        var seed = new Option<int?>("--seed") { Description = "What a workload's random choices come from. Default: 1." };
        var bytes = new Option<string?>("--bytes")
        {
            Description = "How much a workload moves: 32M, the default, or 1G.",
            HelpName = "SIZE",
        };
        var command = new Command(
            "run",
            "Boot a board from its device tree, let every master do DMA through its IOMMUs, and prove that each is " +
                "confined.\n\nExamples:\n  aperture run\n  aperture run board.dtb --json\n  aperture run board.dtb --overlay "
                    + "camera.dtbo --memory " +
                "1G\n  aperture run omap3-isp --scenario isp-capture --picture frame.png --trace trace.txt\n\nExit codes: 0 what was "
                    + "tested held; " +
                "1 something did not; 2 bad input, or the board itself is no good; 3 nothing was tested.")
        {
            board, overlays, scenario, memory, json, trace, picture, seed, bytes,
        };
        command.SetAction(result => Run(
            new RunOptions
            {
                Board = result.GetValue(board),
                Overlays = result.GetValue(overlays) ?? [],
                Scenario = result.GetValue(scenario),
                Memory = result.GetValue(memory) ?? [],
                IsJson = result.GetValue(json),
                Trace = result.GetValue(trace),
                Picture = result.GetValue(picture),
                Seed = result.GetValue(seed),
                Amount = result.GetValue(bytes),
            },
            Console.Out,
            Console.Error));
        return command;
    }

    /// <summary>Runs the command.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="ApertureException">The input is bad, or an output file cannot be written.</exception>
    public static int Run(RunOptions options, TextWriter output, TextWriter errors)
    {
        var tree = BoardInput.Read(options.Board, options.Overlays).Tree.Tree;
        var chosen = options.Scenario is not { } scenarioName
            ? null
            : Scenarios.Find(scenarioName)
                ?? throw new ApertureException(Status.NotFound,
                $"there is no scenario '{scenarioName}'; there are: {string.Join(", ", Scenarios.All.Select(each => each.Name))}");
        var workload = options.WorkloadOf(chosen);
        var (ram, free) = options.RamOf(tree);
        var usual = new MachineOptions();
        using var traceFile = options.Trace is null ? null : new OutputFile(options.Trace);
        using var traceEnd = traceFile is null ? null : Ending.Before(traceFile.EndAtLine);
        if (options.Picture is not null)
            OutputFile.Check(options.Picture);
        RunReport report;
        using (var events = traceFile is null ? null : new StreamWriter(traceFile, leaveOpen: true))
        using (var machine = Machine.Boot(tree, usual with
        {
            Sanitizer = new SanitizerOptions(),
            Memory = ram,
            FallbackMemory = free ?? usual.FallbackMemory,
            Trace = events is null ? null : time => new FtraceWriter(events, time),
        }))
        {
            if (chosen is not null && !chosen.AppliesTo(machine))
            {
                throw new ApertureException(
                    Status.NotSupported, $"{tree.Board} has not what scenario '{chosen.Name}' runs on ({chosen.Description})");
            }

            var console = Terminal.For(output);
            report = options.IsJson || !console.Profile.Capabilities.Interactive || Console.IsOutputRedirected
                ? Execute(machine, chosen, workload, _ => { })
                : ExecuteVisibly(machine, chosen, workload, console);
            if (options.IsJson)
                RunJson.Write(report, output);
            else
                RunText.Write(report, console);
        }

        if (report.Error is { } error)
            errors.WriteLine($"aperture: {error.ReplaceLineEndings(" ")}");
        traceFile?.Complete();
        if (options.Picture is not null)
            WritePicture(report, options.Picture);
        return report.ExitCode;
    }

    private static RunReport ExecuteVisibly(
        Machine machine, IScenario? chosen, WorkloadOptions? workload, IAnsiConsole console)
    {
        // The cursor is hidden meanwhile, and comes back whatever ends it.
        using var ending = Ending.Before(() => console.Cursor.Show());
        return console.Progress().HideCompleted(true).AutoClear(true).Start(progress =>
        {
            var task = progress.AddTask("self-test", maxValue: Math.Max(1, machine.Masters.Count));
            return Execute(machine, chosen, workload, name =>
            {
                task.Description = Markup.Escape(name);
                task.Increment(1);
            });
        });
    }

    private static RunReport Execute(Machine machine, IScenario? chosen, WorkloadOptions? workload, Action<string> progress)
    {
        var unbound = UnboundDevices.Find(machine);
        var test = new SelfTest(machine);
        var results = new List<MasterResult>();
        foreach (var master in machine.Masters)
        {
            progress(master.Name);
            results.Add(test.Run(master));
        }

        var scenario = chosen ?? Scenarios.Default(machine);
        if (scenario is not null)
            progress(scenario.Name);
        var faults = machine.Iommu.FaultCount; // those so far were provoked
        var result = scenario is null ? null : Run(scenario, machine, workload);
        return new RunReport(machine, unbound, results, result)
        {
            Faults = [.. machine.Iommu.Faults.TakeLast((int)Math.Min(MaxFaults, machine.Iommu.FaultCount - faults))]
        };
    }

    /// <summary>A scenario that cannot be carried out has failed; what was found before it is told all the same.</summary>
    private static ScenarioResult Run(IScenario scenario, Machine machine, WorkloadOptions? workload)
    {
        try
        {
            return workload is not null && scenario is IWorkload able ? able.Run(machine, workload) : scenario.Run(machine);
        }
        catch (ApertureException e)
        {
            return new ScenarioResult(scenario.Name, false, [e.Message], Status: e.Status);
        }
    }

    private static void WritePicture(RunReport report, string path)
    {
        if (report.Scenario is not { } scenario || (scenario.Picture is null && scenario.Times.Count == 0))
            throw new ApertureException(Status.NotSupported, $"scenario '{report.Scenario?.Name ?? "none"}' makes no picture for {path}");
        using var file = new OutputFile(path);
        if (scenario.Picture is { } picture)
            PngWriter.Write(file, picture);
        else
            file.Write(LatencyPicture.Make($"{report.Machine.Tree.Board}: {scenario.Name}", scenario.Times, path));
        file.Complete();
    }
}
