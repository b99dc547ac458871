using System.Diagnostics;
using System.Text;
using Aperture.VfioUser.Qemu;

namespace Aperture.ModelGuests;

/// <summary>An emulator that runs a guest: its process and its console. It is a black box, taken from Debian's packages.</summary>
internal sealed class Emulator : IDisposable
{
    private const int MaxOutput = 4 << 20; // characters; a guest that prints more is ended

    private readonly Process _process;
    private readonly StringBuilder _console = new();
    private readonly StringBuilder _errors = new();
    private readonly ManualResetEventSlim _ended = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly QemuStarter _starter;

    /// <summary>Starts it, stopped before the first instruction.</summary>
    public Emulator(string cache, string folder, Board board, IEnumerable<string> arguments)
    {
        _starter = new QemuStarter(folder);
        var root = Path.Combine(cache, "qemu-11-arm");
        var libraries = Path.Combine(root, "usr/lib/x86_64-linux-gnu");
        var start = new ProcessStartInfo(Path.Combine(libraries, "ld-linux-x86-64.so.2"))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["QEMU_MODULE_DIR"] = Path.Combine(libraries, "qemu") },
        };
        foreach (var argument in (IEnumerable<string>)
            [
                "--library-path", libraries, Path.Combine(root, "usr/bin", board.Machine.Program),
                "-L", Path.Combine(root, "usr/share/qemu"),
                "-accel", "tcg", "-nodefaults", "-display", "none", "-no-reboot",
                "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                .. _starter.Arguments,
                .. arguments,
            ])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) =>
        {
            _gone.Cancel();
            _ended.Set();
        };
        _process.OutputDataReceived += (_, line) => Hear(_console, line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(_errors, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What the guest has printed.</summary>
    public string Console => Text(_console);

    /// <summary>What the emulator itself has printed.</summary>
    public string Errors => Text(_errors);

    /// <summary>Lets the guest run to its end.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="places">Where registers go before.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="enough">Ends it before.</param>
    /// <returns>Whether it came to its end in time.</returns>
    public bool Run(QemuMachine machine, IEnumerable<QemuPlacement> places, TimeSpan limit, CancellationToken enough)
    {
        try
        {
            _starter.StartAsync(machine, places, _gone.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw new IOException($"the emulator did not start: {Errors}");
        }

        var hasEnded = WaitHandle.WaitAny([_ended.WaitHandle, enough.WaitHandle], limit) != WaitHandle.WaitTimeout;
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        return hasEnded;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _starter.Dispose();
        _ended.Dispose();
        _gone.Dispose();
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    private void Hear(StringBuilder text, string? line)
    {
        if (line is null)
            return;
        lock (text)
        {
            text.Append(line.TrimEnd('\r')).Append('\n');
            if (text.Length > MaxOutput)
                _process.Kill();
        }
    }
}
