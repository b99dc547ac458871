using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Aperture.Core;

namespace Aperture.VfioUser.Qemu;

/// <summary>Gives the BARs of blocks the addresses that a guest's device tree has for them, before its first instruction: QEMU connects to
/// two sockets, waits, is told, and then runs.</summary>
/// <remarks>The functions are to be in function 1 of slots without a function 0, where no kernel looks for them
/// (docs/guides/vfio-user.md).</remarks>
public sealed class QemuStarter : IDisposable
{
    private const int FirstBar = 0x10;
    private const int CommandRegister = 4;
    private const int MemoryAndMaster = 6;

    private readonly string _registersPath;
    private readonly string _monitorPath;
    private readonly Socket _registersListener;
    private readonly Socket _monitorListener;
    private Socket? _registers;
    private Socket? _monitor;

    /// <summary>Listens.</summary>
    /// <param name="folder">Where the two sockets are made: <c>qtest</c> and <c>qmp</c>.</param>
    /// <exception cref="ApertureException">No sockets can be made there.</exception>
    public QemuStarter(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _registersPath = Path.Combine(folder, "qtest");
        _monitorPath = Path.Combine(folder, "qmp");
        _registersListener = UnixSocket.Listen(_registersPath);
        try
        {
            _monitorListener = UnixSocket.Listen(_monitorPath);
        }
        catch
        {
            _registersListener.Dispose();
            throw;
        }
    }

    /// <summary>What QEMU must be given, beside its other arguments.</summary>
    public IReadOnlyList<string> Arguments =>
        ["-S", "-qtest", $"unix:{_registersPath}", "-qtest-log", "none", "-qmp", $"unix:{_monitorPath}"];

    /// <summary>Waits for QEMU, puts BARs where they belong, and lets the guest run.</summary>
    /// <param name="machine">QEMU's machine.</param>
    /// <param name="places">The BARs.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="ApertureException">QEMU refuses, or goes.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    public async Task StartAsync(QemuMachine machine, IEnumerable<QemuPlacement> places, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(places);
        try
        {
            await TellAsync(machine, places, cancellation).ConfigureAwait(false);
        }
        catch (SocketException error)
        {
            throw new ApertureException(Status.NoDevice, $"QEMU has gone before its guest ran: {error.Message}", error);
        }
    }

    /// <summary>Closes the sockets. QEMU runs on.</summary>
    public void Dispose()
    {
        _registers?.Dispose();
        _monitor?.Dispose();
        _registersListener.Dispose();
        _monitorListener.Dispose();
        File.Delete(_registersPath);
        File.Delete(_monitorPath);
    }

    private async Task TellAsync(QemuMachine machine, IEnumerable<QemuPlacement> places, CancellationToken cancellation)
    {
        _monitor?.Dispose(); // of the one before
        _registers?.Dispose();
        _monitor = await _monitorListener.AcceptAsync(cancellation).ConfigureAwait(false);
        _registers = await _registersListener.AcceptAsync(cancellation).ConfigureAwait(false);
        await ReadLineAsync(_monitor, cancellation).ConfigureAwait(false); // the greeting
        await CommandAsync("qmp_capabilities", cancellation).ConfigureAwait(false);
        foreach (var place in places)
        {
            var configuration = machine.Configuration + ((ulong)place.Slot << 15) + ((ulong)place.Function << 12);
            var register = configuration + FirstBar + (4 * (ulong)place.Bar);
            await WriteAsync("writel", register, place.Address, cancellation).ConfigureAwait(false);
            await WriteAsync("writew", configuration + CommandRegister, MemoryAndMaster, cancellation).ConfigureAwait(false);
        }

        await CommandAsync("cont", cancellation).ConfigureAwait(false);
    }

    private static async Task<string> ReadLineAsync(Socket socket, CancellationToken cancellation)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await socket.ReceiveAsync(one, cancellation).ConfigureAwait(false) == 1)
        {
            if (one[0] == '\n')
                return Encoding.UTF8.GetString([.. line]);
            line.Add(one[0]);
        }

        throw new ApertureException(Status.NoDevice, "QEMU has gone before its guest ran");
    }

    private async Task WriteAsync(string command, ulong address, uint value, CancellationToken cancellation)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{command} 0x{address:x} 0x{value:x}\n");
        await _registers!.SendAsync(Encoding.ASCII.GetBytes(line), cancellation).ConfigureAwait(false);
        var answer = await ReadLineAsync(_registers, cancellation).ConfigureAwait(false);
        if (!answer.StartsWith("OK", StringComparison.Ordinal))
            throw new ApertureException(Status.IoError, $"QEMU answers '{answer}' to '{line.TrimEnd()}'");
    }

    private async Task CommandAsync(string name, CancellationToken cancellation)
    {
        await _monitor!.SendAsync(Encoding.ASCII.GetBytes($"{{\"execute\":\"{name}\"}}\n"), cancellation).ConfigureAwait(false);
        while (true)
        {
            using var answer = JsonDocument.Parse(await ReadLineAsync(_monitor, cancellation).ConfigureAwait(false));
            if (answer.RootElement.TryGetProperty("return", out _))
                return;
            if (answer.RootElement.TryGetProperty("error", out var error))
                throw new ApertureException(Status.IoError, $"QEMU refuses '{name}': {error}");
        }
    }
}
