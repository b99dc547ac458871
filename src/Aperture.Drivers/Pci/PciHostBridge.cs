using Aperture.Datasheets.Pci;
using Aperture.Devices;

namespace Aperture.Drivers.Pci;

/// <summary>A PCI host with its driver: what was found on its buses, and the devices that were made of it.</summary>
public sealed partial class PciHostBridge : IBoundDriver
{
    private readonly DriverCore _drivers;
    private readonly byte _firstBus;
    private readonly Func<PciFunctionInfo, PciDevice> _make;
    private readonly List<IDisposable> _gates = [];
    private readonly List<PciDevice> _devices = [];
    private readonly Lock _lock = new(); // guards the two lists

    internal PciHostBridge(
        DriverCore drivers,
        Device device,
        byte firstBus,
        IReadOnlyList<PciFunctionInfo> functions,
        IReadOnlyList<string> problems,
        Func<PciFunctionInfo, PciDevice> make)
    {
        _drivers = drivers;
        _firstBus = firstBus;
        _make = make;
        Device = device;
        Functions = functions;
        Problems = problems;
    }

    /// <summary>The host.</summary>
    public Device Device { get; }

    /// <summary>Everything that was found, bridges included; what is behind a bridge comes right behind it.</summary>
    public IReadOnlyList<PciFunctionInfo> Functions { get; }

    /// <summary>What has no room or no number, a line each; empty in general.</summary>
    public IReadOnlyList<string> Problems { get; }

    /// <summary>The functions that are no bridges and are still there, in order of address.</summary>
    public IReadOnlyList<PciDevice> Devices
    {
        get
        {
            lock (_lock)
                return [.. _devices];
        }
    }

    /// <summary>The device at an address.</summary>
    /// <returns>Null when there is none.</returns>
    public PciDevice? Find(PciAddress address) => Devices.FirstOrDefault(device => device.Address == address);

    /// <summary>Looks which devices were pulled out, and takes them out of the machine, their drivers first.</summary>
    /// <returns>Those that are gone.</returns>
    public IReadOnlyList<PciDevice> RemoveGone()
    {
        PciDevice[] gone = [.. Devices.Where(device => !device.Configuration.IsPresent)];
        foreach (var device in gone.Reverse())
            Remove(device);
        return gone;
    }

    /// <summary>The devices go with their host.</summary>
    public void Remove()
    {
        foreach (var device in Devices.Reverse())
            Remove(device);
        foreach (var bridge in Functions.Where(function => function.IsBridge && function.Configuration.IsPresent).Reverse())
            bridge.Configuration.Update16(PciRegisters.Command, 0, (ushort)(PciCommand.MemorySpace | PciCommand.BusMaster));
    }

    internal void Add(IReadOnlyList<PciDevice> devices)
    {
        lock (_lock)
        {
            _devices.AddRange(devices);
            _gates.AddRange(devices.Select(device => _drivers.RegisterGates(device, device)));
        }

        _drivers.Add([.. devices.Select(device => device.Device)]);
    }

    private void Remove(PciDevice device)
    {
        foreach (var other in Devices.Where(other => other.Function.Physical == device.Function).Reverse())
            Remove(other);
        _drivers.Remove(device.Device);
        lock (_lock)
        {
            var index = _devices.IndexOf(device);
            _devices.RemoveAt(index);
            _gates[index].Dispose();
            _gates.RemoveAt(index);
        }

        device.Close();
    }
}
