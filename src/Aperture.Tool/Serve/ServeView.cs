using System.Globalization;
using Spectre.Console;

namespace Aperture.Tool.Serve;

/// <summary>Shows what goes on: a table that lives on a screen, lines into a pipe.</summary>
internal sealed class ServeView(ServedBoard board, ServeEvents events, TextWriter output)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private readonly IAnsiConsole _console = Terminal.For(output);
    private readonly Queue<string> _last = new(); // shown below the table

    /// <summary>Shows until it is ended; the counters come last.</summary>
    public void Run(CancellationToken ended)
    {
        if (_console.Profile.Capabilities.Interactive && _console.Profile.Capabilities.Ansi)
        {
            _console.Live(Table()).Start(live =>
            {
                while (!ended.WaitHandle.WaitOne(s_pause))
                    live.UpdateTarget(new Rows([Table(), .. Fresh().Select(line => new Text(line))]));
            });
        }
        else
        {
            while (!ended.WaitHandle.WaitOne(s_pause))
                WriteFresh();
        }

        WriteFresh();
        foreach (var served in board.Functions)
            output.WriteLine(string.Join(' ', Cells(served)));
    }

    private Queue<string> Fresh()
    {
        while (events.TryTake(out var line))
        {
            _last.Enqueue(line);
            if (_last.Count > 10)
                _last.Dequeue();
        }

        return _last;
    }

    private void WriteFresh()
    {
        while (events.TryTake(out var line))
            output.WriteLine(line);
        output.Flush();
    }

    private Table Table()
    {
        var table = new Table().AddColumns("block", "client", "reads", "writes", "not taken", "interrupts", "does");
        foreach (var served in board.Functions)
            table.AddRow(Cells(served).Select(cell => new Text(cell)));
        return table;
    }

    private static IEnumerable<string> Cells(ServedFunction served)
    {
        var counters = served.Function.Counters;
        yield return served.Function.Name;
        yield return served.Function.IsConnected ? "there" : "none";
        foreach (var count in (ulong[])[counters.Reads, counters.Writes, counters.Unanswered, counters.Interrupts])
            yield return count.ToString(CultureInfo.InvariantCulture);
        yield return served.Unit is { Counters: var unit }
            ? string.Create(CultureInfo.InvariantCulture,
                $"{unit.Hits} hits, {unit.Misses} walks, {unit.Invalidations} entries removed, {unit.Faults} faults")
            : string.Create(CultureInfo.InvariantCulture, $"{served.Disk!.Requests} requests, {served.Disk.Bytes} bytes");
    }
}
