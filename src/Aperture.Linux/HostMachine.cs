using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Linux.AddressSpaces;
using Aperture.Linux.Hosts;
using Aperture.Linux.Memory;
using Aperture.Linux.Pci;
using Aperture.Linux.Vfio;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aperture.Linux;

/// <summary>Devices of this host with the drivers of this process: the counterpart of a simulated machine. The driver core, the IOMMU API
/// and the DMA API are the same; the kernel's VFIO stands behind them.</summary>
/// <remarks>Devices must be bound to vfio-pci: <see cref="LinuxHost"/> does that and gives them back.</remarks>
public sealed partial class HostMachine : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Func<PciFunction, HostSpace> _openGroup;
    private readonly InterruptPump _pump;
    private readonly Dictionary<int, (HostSpace Space, HostUnit Unit, IDisposable Registration)> _groups = []; // by the kernel's number
    private readonly Dictionary<string, (HostDevice Device, int Group, IDisposable Gates)> _devices = new(StringComparer.Ordinal);
    private readonly LinuxHost _host;
    private readonly ILogger _logger;
    private bool _isDisposed;

    /// <summary>A machine without devices.</summary>
    /// <param name="options">How it is made; null for the defaults.</param>
    public HostMachine(HostMachineOptions? options = null)
        : this(options ?? new(), function => VfioGroup.Open(function.Group!.Value, function.IsNoIommu))
    {
    }

    internal HostMachine(HostMachineOptions options, Func<PciFunction, HostSpace> openGroup)
    {
        _openGroup = openGroup;
        _host = new LinuxHost(options.Root);
        _logger = options.Logger ?? NullLogger.Instance;
        _pump = new InterruptPump(e => LogHandlerFailed(_logger, "interrupts", e));
        Memory = new HostMemory(options.HugePages);
        Iommu = new IommuCore(new NoTableMemory(), options.Trace);
        Drivers = new DriverCore(Iommu, Memory, logger: options.Logger);
    }

    /// <summary>Memory for devices.</summary>
    public HostMemory Memory { get; }

    /// <summary>The IOMMU API.</summary>
    public IommuCore Iommu { get; }

    /// <summary>Binds drivers to the devices.</summary>
    public DriverCore Drivers { get; }

    /// <summary>The open devices.</summary>
    public IReadOnlyList<HostDevice> Devices
    {
        get
        {
            lock (_lock)
                return [.. _devices.Values.Select(entry => entry.Device)];
        }
    }

    /// <summary>Opens a device that is bound to vfio-pci. Drivers that were registered with <see cref="Drivers"/> and serve it are
    /// bound.</summary>
    /// <param name="address">Its PCI address, for example <c>0000:00:04.0</c>; the domain 0000 may be left out. One device has one name
    /// here, <see cref="PciFunction.Address"/>, however it was called.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <exception cref="ApertureException">It cannot be opened: the message says what is missing and how to get it. Nothing is left
    /// open.</exception>
    public HostDevice Open(string address, HostDeviceOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(address);
        lock (_lock)
        {
            options ??= new();
            var function = _host.Find(address);
            address = function.Address;
            if (_devices.ContainsKey(address))
                throw new ApertureException(Status.Busy, $"{address} is open already");
            var group = _host.GroupOf(address);
            if (function.Warning is { } warning)
                Accept(warning, options);
            if (!_groups.TryGetValue(group, out var entry))
            {
                var space = _openGroup(function);
                var unit = new HostUnit(space, function.Iommu, Memory, Iommu.Trace);
                entry = (space, unit, Iommu.Register(unit));
                _groups.Add(group, entry);
            }

            try
            {
                var device = new HostDevice(address, entry.Space, entry.Unit, options, _pump);
                _devices.Add(address, (device, group, Drivers.RegisterGates(device, device)));
                device.HandlerFailed += e => LogHandlerFailed(_logger, address, e);
                device.Listen(Hear);
                Drivers.Add(device.Device);
                return device;
            }
            catch
            {
                Close(address);
                CloseIfEmpty(group);
                throw;
            }
        }
    }

    /// <summary>Takes a device's driver away and gives the device back to the kernel, quiet. With the last device of its group its
    /// mappings go.</summary>
    public void Close(HostDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
            Close(device, GateReason.Disposed);
    }

    /// <summary>Closes all devices and gives the memory back.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            foreach (var address in _devices.Keys.Reverse().ToArray())
                Close(address);
        }

        FinishClosing();
        Drivers.Dma.Close();
        _pump.Dispose();
        Memory.Dispose();
    }

    private void Accept(string warning, HostDeviceOptions options)
    {
        if (!options.UnsafeNoIommu)
        {
            throw new ApertureException(
                Status.NotPermitted, $"{warning}; whoever wants that must say so (HostDeviceOptions.UnsafeNoIommu)");
        }
        LinuxHost.LogNoIommu(_logger, warning);
    }

    /// <summary>Closes a device, unless that happened already; another one may be open under its address.</summary>
    private void Close(HostDevice device, GateReason reason)
    {
        if (_devices.TryGetValue(device.Address, out var entry) && entry.Device == device)
            Close(device.Address, reason);
    }

    private void Close(string address, GateReason reason = GateReason.Disposed)
    {
        if (!_devices.Remove(address, out var entry))
            return;
        try
        {
            if (Drivers.TryFind(entry.Device.Device.Key, out _))
                Drivers.Remove(entry.Device.Device);
        }
        finally
        {
            // Whatever the driver left: closing ends its DMA, and with the last device of the group all that it could reach.
            entry.Gates.Dispose();
            entry.Device.Close(reason);
            CloseIfEmpty(entry.Group);
        }
    }

    private void CloseIfEmpty(int number)
    {
        if (_devices.Values.Any(entry => entry.Group == number) || !_groups.Remove(number, out var group))
            return;
        try
        {
            group.Registration.Dispose();
        }
        finally
        {
            group.Space.Dispose();
            group.Unit.EndSpace();
        }
    }
}
