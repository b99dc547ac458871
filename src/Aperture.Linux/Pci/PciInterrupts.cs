using System.Globalization;
using Aperture.Core;
using Aperture.Devices;
using Aperture.Linux.Vfio;
using Aperture.Linux.Vfio.Abi;
using Microsoft.Win32.SafeHandles;

namespace Aperture.Linux.Pci;

/// <summary>The interrupts of an open PCI function: each signals an event file, on which the host's pump waits.</summary>
internal sealed class PciInterrupts : IDisposable
{
    private readonly VfioDevice _device;
    private readonly VfioInterruptIndex _index;
    private readonly List<SafeFileHandle> _files = [];
    private readonly List<IDisposable> _listeners = [];

    private PciInterrupts(VfioDevice device, InterruptKind kind)
    {
        _device = device;
        Kind = kind;
        _index = IndexOf(kind);
    }

    /// <summary>The kind in use.</summary>
    public InterruptKind Kind { get; }

    /// <summary>The interrupts, by number.</summary>
    public List<Interrupt> Lines { get; } = [];

    /// <summary>Switches interrupts on.</summary>
    /// <param name="device">The function.</param>
    /// <param name="kind">Which kind.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="pump">Waits for them.</param>
    /// <param name="failed">Hears of what a handler throws.</param>
    /// <exception cref="ApertureException"><see cref="Status.NotSupported"/>: the function has none of that kind; or the kernel
    /// refuses.</exception>
    public static PciInterrupts Enable(VfioDevice device, InterruptKind kind, int most, InterruptPump pump, Action<Exception> failed)
    {
        var chosen = kind == InterruptKind.Best ? Best(device) : kind;
        var interrupts = new PciInterrupts(device, chosen);
        if (chosen == InterruptKind.None)
            return interrupts;
        var count = (int)Math.Min(device.Interrupts(interrupts._index).Count, (uint)most);
        if (count == 0)
            throw new ApertureException(Status.NotSupported, $"{device.Name} has no interrupts of kind {chosen}");
        try
        {
            for (var i = 0; i < count; i++)
                interrupts.Add(pump, failed);
            device.SetTriggers(interrupts._index, [.. interrupts._files]);
            return interrupts;
        }
        catch
        {
            interrupts.Close();
            throw;
        }
    }

    /// <summary>Switches them off.</summary>
    public void Dispose()
    {
        if (_files.Count > 0)
            _device.ClearTriggers(_index);
        Close();
    }

    private static InterruptKind Best(VfioDevice device)
    {
        foreach (var kind in (ReadOnlySpan<InterruptKind>)[InterruptKind.Msix, InterruptKind.Msi, InterruptKind.Pin])
        {
            if (device.Interrupts(IndexOf(kind)).Count > 0)
                return kind;
        }

        return InterruptKind.None;
    }

    private static VfioInterruptIndex IndexOf(InterruptKind kind) => kind switch
    {
        InterruptKind.Msix => VfioInterruptIndex.Msix,
        InterruptKind.Msi => VfioInterruptIndex.Msi,
        _ => VfioInterruptIndex.Intx,
    };

    private void Add(InterruptPump pump, Action<Exception> failed)
    {
        var line = new Interrupt(string.Create(CultureInfo.InvariantCulture, $"{_device.Name} {Kind} {Lines.Count}"));
        var file = InterruptPump.CreateEvent();
        _files.Add(file);
        Lines.Add(line);
        _listeners.Add(pump.Listen(file, Kind == InterruptKind.Pin ? () => RaisePin(line) : line.Raise, failed));
    }

    /// <summary>The kernel has masked the pin. It fires again after the unmask if the level is still active; one that nobody handles stays
    /// masked.</summary>
    private void RaisePin(Interrupt line)
    {
        try
        {
            line.Raise();
        }
        finally
        {
            if (!line.IsStuck)
                _device.Unmask(_index);
        }
    }

    private void Close()
    {
        _listeners.ForEach(listener => listener.Dispose());
        _files.ForEach(file => file.Dispose());
        _listeners.Clear();
        _files.Clear();
    }
}
