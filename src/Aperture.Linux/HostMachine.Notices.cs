using Aperture.Linux.Pci;
using Microsoft.Extensions.Logging;

namespace Aperture.Linux;

// What the kernel says about open devices.
public sealed partial class HostMachine
{
    private readonly HashSet<Thread> _closing = []; // threads that close a device which the kernel wants back

    /// <summary>Tells of a notice, and closes the device if nobody else takes care of it. Runs on the thread of interrupts.</summary>
    private void Hear(HostDevice device, DeviceNoticeKind kind)
    {
        var isRemoval = kind == DeviceNoticeKind.RemovalRequested;
        (isRemoval ? HostMeter.Removals : HostMeter.Errors).Add(1, new KeyValuePair<string, object?>("device", device.Address));
        if (isRemoval)
            LogRemovalRequested(_logger, device.Address);
        else
            LogDeviceError(_logger, device.Address);
        var notice = new DeviceNotice(device, kind);
        try
        {
            device.Raise(notice);
        }
        catch (Exception e)
        {
            LogHandlerFailed(_logger, device.Address, e); // and the kernel still waits
        }

        if (!notice.IsHandled)
            CloseAside(device, kind);
    }

    /// <summary>Closes a device on a thread of its own: its driver may wait for an interrupt while it lets go.</summary>
    private void CloseAside(HostDevice device, DeviceNoticeKind kind)
    {
        var thread = new Thread(() =>
        {
            try
            {
                lock (_lock)
                    Close(device, kind == DeviceNoticeKind.RemovalRequested ? GateReason.Removed : GateReason.Failed);
                LogClosed(_logger, device.Address);
            }
            catch (Exception e)
            {
                // Nobody is above this thread: what it throws would end the process.
                LogCloseFailed(_logger, device.Address, e);
            }
            finally
            {
                lock (_closing)
                    _closing.Remove(Thread.CurrentThread);
            }
        })
        { IsBackground = true, Name = $"close {device.Address}" };
        lock (_closing)
            _closing.Add(thread);
        thread.Start();
    }

    /// <summary>Waits until no device is being closed.</summary>
    private void FinishClosing()
    {
        while (true)
        {
            Thread? thread;
            lock (_closing)
                thread = _closing.FirstOrDefault(one => one != Thread.CurrentThread);
            if (thread is null)
                return;
            thread.Join();
        }
    }

    [LoggerMessage(10, LogLevel.Warning, "{device}: the kernel wants it back (it is being unplugged, or taken from vfio-pci)")]
    private static partial void LogRemovalRequested(ILogger logger, string device);

    [LoggerMessage(11, LogLevel.Error, "{device}: the bus reported an error that it cannot recover from")]
    private static partial void LogDeviceError(ILogger logger, string device);

    [LoggerMessage(12, LogLevel.Information, "{device}: closed, as the kernel asked")]
    private static partial void LogClosed(ILogger logger, string device);

    [LoggerMessage(13, LogLevel.Error, "{device}: could not be closed properly")]
    private static partial void LogCloseFailed(ILogger logger, string device, Exception exception);

    [LoggerMessage(14, LogLevel.Error, "{device}: a handler of interrupts or notices failed")]
    private static partial void LogHandlerFailed(ILogger logger, string device, Exception exception);
}
