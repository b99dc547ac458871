using System.Globalization;
using Aperture.Boards;
using Aperture.Boards.Running;
using Aperture.Devices;
using Aperture.Drivers.Pci;
using Aperture.Iommu;
using Spectre.Console;

namespace Aperture.Tool.Run;

/// <summary>A run as people read it.</summary>
internal static class RunText
{
    // Columns that the tables need; narrower screens get blocks of lines.
    private const int WideMasters = 130, WideUnits = 110;

    public static string Name(CheckOutcome outcome) => outcome switch
    {
        CheckOutcome.Ok => "ok",
        CheckOutcome.Blocked => "blocked",
        CheckOutcome.Skipped => "skipped",
        _ => "failed",
    };

    public static string? Name(IommuDomain? domain) => domain?.Type switch
    {
        null => null,
        DomainType.Blocked => "blocked",
        DomainType.Identity => "identity",
        DomainType.Unmanaged => "unmanaged",
        _ => "DMA",
    };

    public static IEnumerable<string> MastersOf(Machine machine, BoardUnit unit) =>
        machine.Masters.Select(master => master.Device).Concat(FunctionsOf(machine).Select(function => function.Device))
            .Where(device => device?.Iommu?.Ports.Any(port => port.Unit.Device == unit.Device) == true)
            .Select(device => device!.Name);

    /// <summary>What was found in the slots of PCI hosts.</summary>
    public static IEnumerable<PciDevice> FunctionsOf(Machine machine) => machine.PciHosts.SelectMany(host => host.Bridge?.Devices ?? []);

    /// <summary>How a function's interrupts come.</summary>
    public static string InterruptsOf(PciDevice function) => function.Device.Interrupts.Count == 0 ? "none"
        : !function.HasMessages ? "INTx" : function.Device.Interrupts.Count == 1 ? "1 message"
        : string.Create(CultureInfo.InvariantCulture, $"{function.Device.Interrupts.Count} messages");

    public static void Write(RunReport report, IAnsiConsole console)
    {
        var machine = report.Machine;
        console.MarkupLine($"[bold]{Markup.Escape(machine.Tree.Board)}[/]: " +
            $"{string.Join(", ", machine.Memory.Regions.Select(range => $"{range.Length >> 20} MiB at {range.Start}"))}");
        if (machine.HasStandInMemory)
            console.WriteLine("  The tree leaves it to a boot loader how much memory there is: this stands in (--memory says otherwise).");
        foreach (var (region, why) in machine.MissingRegions)
            console.WriteLine($"  {region.Path} is not to be had: {why}.");
        WriteBoot(machine, console);
        WriteMasters(report, console);
        WriteFunctions(machine, console);
        WriteUnits(machine, console);
        if (report.Scenario is { } scenario)
        {
            console.MarkupLine($"[bold]Scenario {Markup.Escape(scenario.Name)}[/]: {(scenario.IsOk ? "[green]ok[/]" : "[red]failed[/]")}");
            foreach (var line in scenario.Lines)
                console.WriteLine($"  {line}");
            WriteTimes(scenario.Times, console);
        }

        if (machine.Sanitizer is { Findings.Count: > 0 } sanitizer)
            console.WriteLine(sanitizer.ToString());
        var colour = !report.IsOk ? "red" : report.IsTested ? "green" : "yellow";
        console.MarkupLine($"[{colour}]{Markup.Escape(report.Summary)}[/]");
    }

    private static void WriteBoot(Machine machine, IAnsiConsole console)
    {
        console.MarkupLine("[bold]Boot[/]");
        foreach (var line in machine.Drivers.Log)
        {
            // Gate controllers are many and say little; what waits for them says it by name.
            if (line is { Kind: DriverEventKind.Bound, Driver: "gate-controller" })
                continue;
            var (colour, verb) = line.Kind switch
            {
                DriverEventKind.Bound => ("green", "bound"),
                DriverEventKind.Deferred => ("yellow", "deferred"),
                DriverEventKind.Unbound => ("grey", "unbound"),
                _ => ("red", line.Kind.ToString().ToLowerInvariant()),
            };
            var driver = line.Driver is null ? "" : Markup.Escape($" ({line.Driver})");
            var detail = line.Detail.Length == 0 ? "" : ": " + Markup.Escape(line.Detail);
            console.MarkupLine(string.Create(
                CultureInfo.InvariantCulture, $"  [{colour}]{verb,-8}[/] {Markup.Escape(line.Device?.Name ?? "")}{driver}{detail}"));
        }

        foreach (var deferred in machine.Drivers.Deferred)
            console.MarkupLine($"  [red]never[/]    {Markup.Escape(deferred.Device.Name)}: waits for " +
                $"{Markup.Escape(deferred.Supplier)}: {Markup.Escape(deferred.Reason)}");
    }

    /// <summary>Numbers in their order, those that follow each other as ranges.</summary>
    private static string Ranges(IReadOnlyList<uint> ids)
    {
        var ranges = new List<string>();
        for (var i = 0; i < ids.Count;)
        {
            var first = i++;
            while (i < ids.Count && ids[i] == ids[i - 1] + 1)
                i++;
            ranges.Add(i - first < 3 ? string.Join(' ', ids.Skip(first).Take(i - first))
                : string.Create(CultureInfo.InvariantCulture, $"{ids[first]}-{ids[i - 1]}"));
        }

        return string.Join(' ', ranges);
    }

    private static void WriteMasters(RunReport report, IAnsiConsole console)
    {
        if (report.Masters.Count > 0 && console.Profile.Width < WideMasters)
        {
            WriteNarrow(report, console);
            return;
        }

        var table = new Table { Border = TableBorder.Simple, Title = new TableTitle("Masters") };
        table.AddColumns("name", "units", "ids", "group", "domain", "write", "read", "after unmap", "outside", "foreign");
        foreach (var result in report.Masters)
        {
            var master = result.Master;
            var iommu = master.Device?.Iommu;
            table.AddRow(
            [
                Cell(master.Name),
                Cell(string.Join(' ', master.Units)),
                Cell(Ranges(master.Ids)),
                Cell(iommu?.Group.Id.ToString(CultureInfo.InvariantCulture)),
                Cell(Name(iommu?.Domain)),
                .. result.Checks.Select(check => new Markup($"[{Colour(check.Result.Outcome)}]{Name(check.Result.Outcome)}[/]"
                    + (check.Name == "foreign" && Shared(result) is { Length: > 0 } shared ? $", {Markup.Escape(shared)}" : ""))),
            ]);
        }

        if (report.Masters.Count > 0)
            console.Write(table);
        else
            console.WriteLine("The tree puts no master behind an IOMMU.");
        WriteReasons(report, console);
    }

    /// <summary>A block for each master, where a line has not room for it.</summary>
    private static void WriteNarrow(RunReport report, IAnsiConsole console)
    {
        console.MarkupLine("[bold]Masters[/]");
        foreach (var result in report.Masters)
        {
            var (master, iommu) = (result.Master, result.Master.Device?.Iommu);
            var outcome = master.Skipped is not null ? CheckOutcome.Skipped : result.IsFine ? CheckOutcome.Ok : CheckOutcome.Failed;
            console.MarkupLine(
                $"  {Markup.Escape(master.Name)}: [{Colour(outcome)}]{(outcome == CheckOutcome.Ok ? "held" : Name(outcome))}[/]"
                + (Shared(result) is { Length: > 0 } shared ? $", {Markup.Escape(shared)}" : ""));
            var place = iommu is null ? "" : string.Create(CultureInfo.InvariantCulture, $"; group {iommu.Group.Id}, {Name(iommu.Domain)}");
            console.WriteLine($"    {string.Join(' ', master.Units)}{(master.Ids.Count == 0 ? "" : $" ids {Ranges(master.Ids)}")}{place}");
            if (outcome == CheckOutcome.Failed)
                console.WriteLine($"    {string.Join(", ", result.Checks.Select(check => $"{check.Name} {Name(check.Result.Outcome)}"))}");
        }

        WriteReasons(report, console);
    }

    /// <summary>Who cannot be kept from a master's memory, as they are one to the unit.</summary>
    private static string Shared(MasterResult result) =>
        result.SharedWith.Count == 0 ? "" : $"shared with {string.Join(", ", result.SharedWith)}";

    private static void WriteReasons(RunReport report, IAnsiConsole console)
    {
        foreach (var result in report.Masters)
        {
            foreach (var kept in result.Master.Device?.Iommu?.Group.Reservations ?? [])
                console.WriteLine($"  {result.Master.Name}: device addresses {kept.First} to {kept.Last} are kept ({Name(kept.Kind)})");
            foreach (var reasons in result.Checks.Where(check => check.Result.Reason.Length > 0).GroupBy(check => check.Result.Reason))
                console.WriteLine($"  {result.Master.Name}: " +
                    $"{(reasons.Count() == 5 ? "" : string.Join(", ", reasons.Select(check => check.Name)) + ": ")}{reasons.Key}");
        }
    }

    private static void WriteTimes(IReadOnlyList<PhaseTimes> phases, IAnsiConsole console)
    {
        if (phases.Count == 0)
            return;
        var table = new Table
        {
            Border = TableBorder.Simple,
            Title = new TableTitle("Times of the simulation by wall clock, in µs: they differ from run to run"),
        };
        table.AddColumn("requests of");
        foreach (var name in new[] { "number", "MiB/s", "mean", "50 %", "99 %", "99.9 %", "longest" })
            table.AddColumn(new TableColumn(name).RightAligned());
        foreach (var latencies in phases.Select(phase => new Latencies(phase)))
        {
            var numbers = new[]
            {
                latencies.Times.Nanoseconds.Count.ToString(CultureInfo.InvariantCulture),
                latencies.Throughput.ToString("F0", CultureInfo.InvariantCulture),
                Micros(latencies.Mean), Micros(latencies.At(50)), Micros(latencies.At(99)), Micros(latencies.At(99.9)),
                Micros(latencies.Max),
            };
            table.AddRow([Cell(latencies.Times.Name), .. numbers.Select(Cell)]);
        }

        console.Write(table);

        static string Micros(double nanoseconds) => (nanoseconds / 1000).ToString("F1", CultureInfo.InvariantCulture);
    }

    private static void WriteFunctions(Machine machine, IAnsiConsole console)
    {
        var isFirst = true;
        foreach (var function in FunctionsOf(machine))
        {
            if (isFirst)
                console.MarkupLine("[bold]PCI functions[/]");
            isFirst = false;
            var (device, iommu) = (function.Device, function.Device.Iommu);
            var place = iommu is null ? ""
                : string.Create(CultureInfo.InvariantCulture, $"; group {iommu.Group.Id}, {Name(iommu.Domain)}");
            console.WriteLine($"  {function.Function} ({device.Driver?.Name ?? "no driver"}): {InterruptsOf(function)}{place}");
        }

        foreach (var problem in machine.PciHosts.SelectMany(host => host.Bridge?.Problems ?? []))
            console.WriteLine($"  {problem}");
    }

    private static void WriteUnits(Machine machine, IAnsiConsole console)
    {
        if (machine.Units.Count == 0)
            return;
        if (console.Profile.Width < WideUnits)
        {
            console.MarkupLine("[bold]Units[/]");
            foreach (var unit in machine.Units)
            {
                var counters = unit.Model.Counters;
                console.WriteLine($"  {unit.Name} ({unit.Device.Driver?.Name ?? "no driver"}): "
                    + $"{string.Join(' ', MastersOf(machine, unit))}");
                console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"    {unit.Model.CacheEntries} entries, {counters.Hits} hits, {counters.Misses} misses, {counters.Invalidations} "
                        + $"invalidations, {counters.Faults} faults"));
            }

            return;
        }

        var table = new Table { Border = TableBorder.Simple, Title = new TableTitle("Units") };
        table.AddColumns("name", "driver", "masters", "entries", "hits", "misses", "invalidations", "faults");
        foreach (var unit in machine.Units)
        {
            var counters = unit.Model.Counters;
            table.AddRow(
                Cell(unit.Name),
                Cell(unit.Device.Driver?.Name),
                Cell(string.Join(' ', MastersOf(machine, unit))),
                Cell(unit.Model.CacheEntries.ToString(CultureInfo.InvariantCulture)),
                Cell(counters.Hits.ToString(CultureInfo.InvariantCulture)),
                Cell(counters.Misses.ToString(CultureInfo.InvariantCulture)),
                Cell(counters.Invalidations.ToString(CultureInfo.InvariantCulture)),
                Cell(counters.Faults.ToString(CultureInfo.InvariantCulture)));
        }

        console.Write(table);
    }

    /// <summary>A kind of reservation in words.</summary>
    internal static string Name(ReservationKind kind) => kind switch
    {
        ReservationKind.Direct => "in use since boot",
        ReservationKind.DirectRelaxable => "in use since boot, until the device is taken over",
        ReservationKind.Msi => "interrupts",
        ReservationKind.SoftwareMsi => "doorbells of interrupts",
        _ => "reserved",
    };

    private static Markup Cell(string? text) => new(Markup.Escape(text ?? ""));

    private static string Colour(CheckOutcome outcome) => outcome switch
    {
        CheckOutcome.Ok or CheckOutcome.Blocked => "green",
        CheckOutcome.Skipped => "grey",
        _ => "red",
    };
}
