using Aperture.Power;
using Microsoft.Extensions.Logging;

namespace Aperture.Devices;

// What happened, in order.
public sealed partial class DriverCore
{
    private readonly ILogger _logger;
    private readonly Lock _logLock = new();                     // interrupts and timers write from any thread
    private readonly List<DriverEvent> _log = [];               // all of it, in order
    private readonly Dictionary<Interrupt, int> _watched = [];  // lines whose trouble is recorded, with the number of devices on each

    /// <summary>Everything that happened, in order.</summary>
    public IReadOnlyList<DriverEvent> Log
    {
        get
        {
            lock (_logLock)
                return [.. _log];
        }
    }

    private void Record(DriverEventKind kind, Device? device, IDriver? driver, string detail)
    {
        lock (_logLock)
            _log.Add(new DriverEvent(_log.Count, kind, device, driver?.Name, detail));
        var name = device?.Name ?? "";
        switch (kind)
        {
            case DriverEventKind.Bound:
                LogBound(_logger, name, driver?.Name);
                break;
            case DriverEventKind.Unbound:
                LogUnbound(_logger, name, driver?.Name);
                break;
            case DriverEventKind.Deferred:
                LogDeferred(_logger, detail);
                break;
            case DriverEventKind.Failed:
                LogFailed(_logger, name, driver?.Name, detail);
                break;
            case DriverEventKind.InterruptStuck:
                LogStuck(_logger, detail);
                break;
            default:
                LogTrouble(_logger, name, detail);
                break;
        }
    }

    private void Trouble(Device device, Exception e) => Trouble(device, e.Message);

    private void Trouble(Device device, string what) => Record(DriverEventKind.Trouble, device, device.Driver, what);

    private void OnSuspendFailed(IPowered powered, Exception e) => OnSuspendFailed((Device)powered, e);

    private void OnSuspendFailed(Device device, Exception e) =>
        Record(DriverEventKind.Trouble, device, device.Driver, $"could not be suspended: {e.Message}");

    private void OnStuck(Interrupt interrupt) =>
        Record(DriverEventKind.InterruptStuck, null, null, $"{interrupt.Name}: nobody cared, the line is switched off");

    private void Watch(Device device)
    {
        foreach (var interrupt in device.Interrupts)
        {
            if (_watched.TryGetValue(interrupt, out var devices))
            {
                _watched[interrupt] = devices + 1;
                continue;
            }

            _watched.Add(interrupt, 1);
            interrupt.Stuck += OnStuck;
        }
    }

    private void Unwatch(Device device)
    {
        foreach (var interrupt in device.Interrupts)
        {
            if (--_watched[interrupt] > 0)
                continue;
            _watched.Remove(interrupt);
            interrupt.Stuck -= OnStuck;
        }
    }

    [LoggerMessage(1, LogLevel.Information, "{device}: bound to {driver}")]
    private static partial void LogBound(ILogger logger, string device, string? driver);

    [LoggerMessage(2, LogLevel.Information, "{device}: {driver} let go")]
    private static partial void LogUnbound(ILogger logger, string device, string? driver);

    [LoggerMessage(3, LogLevel.Debug, "deferred: {reason}")]
    private static partial void LogDeferred(ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Error, "{device}: probe by {driver} failed: {reason}")]
    private static partial void LogFailed(ILogger logger, string device, string? driver, string reason);

    [LoggerMessage(5, LogLevel.Error, "{device}: {reason}")]
    private static partial void LogTrouble(ILogger logger, string device, string reason);

    [LoggerMessage(6, LogLevel.Error, "{reason}")]
    private static partial void LogStuck(ILogger logger, string reason);
}
