using Aperture.Core;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Pci;

/// <summary>Listens to what the kernel says about an open PCI function. Without this it waits in silence for the device to be given
/// back.</summary>
internal sealed class DeviceNotices : IDisposable
{
    private readonly VfioDevice _device;
    private readonly List<(SafeFileHandle File, IDisposable Listener)> _sources = [];

    private DeviceNotices(VfioDevice device) => _device = device;

    /// <summary>Listens.</summary>
    /// <param name="device">The function.</param>
    /// <param name="pump">Waits for the kernel's signals.</param>
    /// <param name="heard">Called on the pump's thread.</param>
    /// <param name="failed">Hears of what that throws.</param>
    /// <exception cref="ApertureException">The kernel refuses.</exception>
    public static DeviceNotices Listen(VfioDevice device, InterruptPump pump, Action<DeviceNoticeKind> heard, Action<Exception> failed)
    {
        var notices = new DeviceNotices(device);
        try
        {
            Add(VfioInterruptIndex.Request, DeviceNoticeKind.RemovalRequested);
            Add(VfioInterruptIndex.Error, DeviceNoticeKind.Error);
            return notices;
        }
        catch
        {
            notices.Dispose();
            throw;
        }

        void Add(VfioInterruptIndex index, DeviceNoticeKind kind)
        {
            if (!notices.Has(index))
                return;
            var file = InterruptPump.CreateEvent();
            notices._sources.Add((file, pump.Listen(file, () => heard(kind), failed)));
            device.SetTriggers(index, [file]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, listener) in _sources)
            listener.Dispose();
        _sources.ForEach(source => source.File.Dispose()); // the kernel keeps its own reference until the device is closed
        _sources.Clear();
    }

    /// <summary>Whether there is such a signal: errors are only reported for PCI Express functions, by most kernels.</summary>
    private bool Has(VfioInterruptIndex index)
    {
        try
        {
            return _device.Interrupts(index).Count > 0;
        }
        catch (ApertureException e) when (e.Status == Status.InvalidArgument)
        {
            return false;
        }
    }
}
