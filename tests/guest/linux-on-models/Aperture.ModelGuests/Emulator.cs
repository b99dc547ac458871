using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Aperture.ModelGuests;

/// <summary>An emulator that runs a guest: its process, its console, and the two sockets by which registers are set before the first
/// instruction. It is a black box, taken from Debian's packages.</summary>
internal sealed class Emulator : IDisposable
{
    private const int MaxOutput = 4 << 20; // characters; a guest that prints more is ended

    private readonly Process _process;
    private readonly StringBuilder _console = new();
    private readonly StringBuilder _errors = new();
    private readonly ManualResetEventSlim _ended = new();
    private readonly Socket _registers;
    private readonly Socket _monitor;

    /// <summary>Starts it, stopped before the first instruction.</summary>
    public Emulator(string cache, string folder, Board board, IEnumerable<string> arguments)
    {
        using var registers = Listen(Path.Combine(folder, "qtest"));
        using var monitor = Listen(Path.Combine(folder, "qmp"));
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
                "--library-path", libraries, Path.Combine(root, "usr/bin", board.Emulator), "-L", Path.Combine(root, "usr/share/qemu"),
                "-accel", "tcg", "-nodefaults", "-display", "none", "-no-reboot", "-S",
                "-qtest", $"unix:{folder}/qtest", "-qtest-log", "none", "-qmp", $"unix:{folder}/qmp",
                "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
                .. arguments,
            ])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => _ended.Set();
        _process.OutputDataReceived += (_, line) => Hear(_console, line.Data);
        _process.ErrorDataReceived += (_, line) => Hear(_errors, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _monitor = Accept(monitor);
        _registers = Accept(registers);
        ReadLine(_monitor);
        Command("qmp_capabilities");
    }

    /// <summary>What the guest has printed.</summary>
    public string Console => Text(_console);

    /// <summary>What the emulator itself has printed.</summary>
    public string Errors => Text(_errors);

    /// <summary>Writes 32 bits of the guest's physical address space.</summary>
    public void Write32(ulong address, uint value) =>
        Ask(string.Create(CultureInfo.InvariantCulture, $"writel 0x{address:x} 0x{value:x}"));

    /// <summary>Writes 16 bits.</summary>
    public void Write16(ulong address, ushort value) =>
        Ask(string.Create(CultureInfo.InvariantCulture, $"writew 0x{address:x} 0x{value:x}"));

    /// <summary>Lets the guest run to its end.</summary>
    /// <param name="limit">How long it may take.</param>
    /// <param name="enough">Ends it before.</param>
    /// <returns>Whether it came to its end in time.</returns>
    public bool Run(TimeSpan limit, CancellationToken enough)
    {
        Command("cont");
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
        _registers?.Dispose();
        _monitor?.Dispose();
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen(1);
        return socket;
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    private static string ReadLine(Socket socket)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (true)
        {
            if (socket.Receive(one) == 0)
                throw new IOException("the emulator has gone");
            if (one[0] == '\n')
                return Encoding.UTF8.GetString([.. line]);
            line.Add(one[0]);
        }
    }

    private Socket Accept(Socket listener)
    {
        using var abandon = _process.HasExited ? null : new Timer(_ => { if (_process.HasExited) listener.Dispose(); }, null, 100, 100);
        try
        {
            return listener.Accept();
        }
        catch (SocketException)
        {
            throw new IOException($"the emulator did not start: {Errors}");
        }
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

    private void Ask(string command)
    {
        _registers.Send(Encoding.ASCII.GetBytes(command + "\n"));
        var answer = ReadLine(_registers);
        if (!answer.StartsWith("OK", StringComparison.Ordinal))
            throw new IOException($"{command}: {answer}");
    }

    private void Command(string name)
    {
        _monitor.Send(Encoding.ASCII.GetBytes($"{{\"execute\":\"{name}\"}}\n"));
        while (true)
        {
            using var answer = JsonDocument.Parse(ReadLine(_monitor));
            if (answer.RootElement.TryGetProperty("return", out _))
                return;
            if (answer.RootElement.TryGetProperty("error", out var error))
                throw new IOException($"{name}: {error}");
        }
    }
}
