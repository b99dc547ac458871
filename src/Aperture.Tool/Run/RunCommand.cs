using System.CommandLine;
using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Core;
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
                + $"({string.Join(", ", BoardFile.Embedded)}); or {AcpiInput.Forms}. " +
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
            Description = "Write the DMA and IOMMU events to this file: as the text of Linux trace events, or where its name ends in "
                + ".dat as the file of trace-cmd, which 'trace-cmd report' and KernelShark open.",
        };
        var kernel = new Option<string>("--trace-kernel")
        {
            Description = "Whose events those are: 6.1 has none of the DMA API, 6.12 calls them dma_map_page and so on, 7.2 "
                + "dma_map_phys.",
            DefaultValueFactory = _ => "6.12",
        };
        kernel.AcceptOnlyFromAmong([.. RunTrace.Kernels.Keys]);
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
            "Boot a board from its device tree or ACPI tables, let every master do DMA through its IOMMUs, and prove that each is " +
                "confined.\n\nExamples:\n  aperture run\n  aperture run board.dtb --json\n  aperture run board.dtb --overlay "
                    + "camera.dtbo --memory " +
                "1G\n  aperture run omap3-isp --scenario isp-capture --picture frame.png --trace trace.txt\n\nExit codes: 0 what was "
                    + "tested held; " +
                "1 something did not; 2 bad input, or the board itself is no good; 3 nothing was tested.")
        {
            board, overlays, scenario, memory, json, trace, kernel, picture, seed, bytes,
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
                Kernel = RunTrace.Kernels[result.GetRequiredValue(kernel)],
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
        var acpi = options.Board is { } name && AcpiInput.Is(name) ? AcpiInput.Describe(name, options.Overlays) : null;
        var tree = acpi?.Tree ?? BoardInput.Read(options.Board, options.Overlays).Tree.Tree;
        var chosen = options.Scenario is not { } scenarioName
            ? null
            : Scenarios.Find(scenarioName)
                ?? throw new ApertureException(Status.NotFound,
                $"there is no scenario '{scenarioName}'; there are: {string.Join(", ", Scenarios.All.Select(each => each.Name))}");
        var workload = options.WorkloadOf(chosen);
        var (ram, free) = options.RamOf(tree);
        var usual = new MachineOptions();
        using var trace = options.Trace is null ? null : new RunTrace(options.Trace, options.Kernel);
        if (options.Picture is not null)
            OutputFile.Check(options.Picture);
        RunReport report;
        var machineOptions = usual with
        {
            Sanitizer = new SanitizerOptions(),
            Memory = ram,
            FallbackMemory = free ?? usual.FallbackMemory,
            Trace = trace is null ? null : trace.Begin,
        };
        using (var machine = acpi is null ? Machine.Boot(tree, machineOptions) : acpi.Boot(machineOptions))
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
        trace?.Complete();
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
            var task = progress.AddTask("self-test", maxValue: Math.Max(1, machine.Masters.Count + machine.PciHosts.Count));
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

        foreach (var host in machine.PciHosts.Where(host => host.Bridge is { Devices.Count: 0 }))
        {
            progress(host.Device.Name);
            if (test.Run(host) is { } bus)
                results.Add(bus); // nothing else would show who reaches what
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
