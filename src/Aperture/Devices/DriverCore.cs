using System.Diagnostics.CodeAnalysis;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Iommu;
using Aperture.Power;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Aperture.Devices;

/// <summary>Brings devices and drivers of one machine together: matches, probes in whatever order the suppliers allow, unbinds, and takes
/// the system to sleep and back.</summary>
/// <remarks>Thread-safe; one thing at a time. What a driver's probe adds or registers is acted on when that probe is done.</remarks>
public sealed partial class DriverCore
{
    private readonly Lock _lock = new();                                  // held through every change, probes included
    private readonly List<IDriver> _drivers = [];                         // in order of registration: the first that matches wins
    private readonly List<Entry> _entries = [];                           // the devices, in order of arrival
    private readonly Dictionary<object, Entry> _byKey = [];               // the same by Device.Key
    private readonly Dictionary<object, IGateProvider> _gateProviders = []; // by the key of the device that provides

    /// <summary>A driver core without devices.</summary>
    /// <param name="iommu">The machine's IOMMU core.</param>
    /// <param name="memory">Where drivers get memory for DMA.</param>
    /// <param name="time">The machine's clock; the system's when null.</param>
    /// <param name="logger">Hears of everything that the log records, or null.</param>
    public DriverCore(IommuCore iommu, SystemMemory memory, TimeProvider? time = null, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(iommu);
        ArgumentNullException.ThrowIfNull(memory);
        Iommu = iommu;
        Time = time ?? TimeProvider.System;
        Dma = new DmaPlatform(memory, Time);
        _logger = logger ?? NullLogger.Instance;
        iommu.UnitFailed += failure => Trouble(failure.Unit.Device, failure.ToString());
    }

    /// <summary>The machine's IOMMU core.</summary>
    public IommuCore Iommu { get; }

    /// <summary>Where drivers get memory for DMA.</summary>
    public SystemMemory Memory => Dma.Memory;

    /// <summary>What the DMA API of the devices has in common: bounce buffers, contiguous memory, caches.</summary>
    public DmaPlatform Dma { get; }

    /// <summary>The machine's clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>The devices, in order of arrival.</summary>
    public IReadOnlyList<Device> Devices
    {
        get
        {
            lock (_lock)
                return [.. _entries.Select(entry => entry.Device)];
        }
    }

    /// <summary>Makes a driver known and lets it probe the devices that no driver serves.</summary>
    public void Register(IDriver driver)
    {
        ArgumentNullException.ThrowIfNull(driver);
        lock (_lock)
        {
            _drivers.Add(driver);
            foreach (var entry in _entries)
                Match(entry);
            Run();
            AssertInvariants();
        }
    }

    /// <summary>Makes a provider of gates known. A controller's driver calls it in its probe and manages the result.</summary>
    /// <param name="key">The <see cref="Device.Key"/> of the provider's device; any other key for gates that belong to no device.</param>
    /// <param name="provider">Who resolves references to it.</param>
    /// <returns>Dispose it to take the provider out again.</returns>
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: the key has a provider.</exception>
    public IDisposable RegisterGates(object key, IGateProvider provider)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(provider);
        lock (_lock)
        {
            if (!_gateProviders.TryAdd(key, provider))
                throw new ApertureException(Status.AlreadyExists, $"{key} provides gates already");
            _generation++;
            Run();
            AssertInvariants();
        }

        return new GateRegistration(this, key, provider);
    }

    /// <summary>Adds a device and probes it, at once or when its suppliers are there.</summary>
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: it, or another one of its node, is here already.</exception>
    public void Add(Device device) => Add([device]);

    /// <summary>Adds devices, then probes them: groups of masters are formed with all of them in sight.</summary>
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: one, or another one of its node, is here already; those
    /// before it were added.</exception>
    public void Add(params ReadOnlySpan<Device> devices)
    {
        lock (_lock)
        {
            foreach (var device in devices)
                Enter(device);
            Run();
            AssertInvariants();
        }
    }

    /// <summary>Unbinds a device, its consumers first, and takes it out of the machine.</summary>
    /// <exception cref="ApertureException"><see cref="Status.NoDevice"/>: it is not in the machine; <see cref="Status.Busy"/>: it is being
    /// probed, or the system sleeps.</exception>
    public void Remove(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_lock)
        {
            AssertAwake();
            var entry = Find(device);
            UnbindEntry(entry);
            device.Power.SuspendFailed -= OnSuspendFailed;
            _entries.Remove(entry);
            _byKey.Remove(device.Key);
            Iommu.RemoveMaster(device);
            Iommu.SetGrouping(device.Key, null);
            Unwatch(device);
            Run();
            AssertInvariants();
        }
    }

    /// <summary>The device that a description means by <paramref name="key"/>.</summary>
    public bool TryFind(object key, [NotNullWhen(true)] out Device? device)
    {
        lock (_lock)
        {
            device = _byKey.GetValueOrDefault(key)?.Device;
            return device is not null;
        }
    }

    private void Enter(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        var entry = new Entry(device);
        if (!_byKey.TryAdd(device.Key, entry))
            throw new ApertureException(Status.AlreadyExists, $"{device.Name} is in the machine already");
        _entries.Add(entry);
        device.Power.Time = Time;
        device.Power.SuspendFailed += OnSuspendFailed;
        Watch(device);
        Match(entry);
        Iommu.AddMaster(device);
    }

    /// <summary>Lets the IOMMU core know which masters a unit cannot tell apart, before it is probed.</summary>
    private void Announce(Entry entry)
    {
        if (entry.Driver is IIommuDriver driver)
            Iommu.SetGrouping(entry.Device.Key, driver.GroupingOf(entry.Device));
    }

    private Entry Find(Device device) =>
        _byKey.TryGetValue(device.Key, out var entry) && entry.Device == device
            ? entry
            : throw new ApertureException(Status.NoDevice, $"{device.Name} is not in the machine");

    private void Match(Entry entry)
    {
        if (entry.State != BindState.NoDriver)
            return;
        foreach (var name in entry.Device.Description.Compatible)
        {
            if (_drivers.Find(driver => driver.Compatible.Contains(name)) is not { } driver)
                continue;
            entry.Driver = driver;
            entry.State = BindState.Waiting;
            Announce(entry);
            return;
        }
    }

    private enum BindState
    {
        NoDriver,
        Waiting,
        Probing,
        Bound,
        Failed,
        Unbound,
    }

    private sealed class Entry(Device device)
    {
        public Device Device { get; } = device;

        public IDriver? Driver { get; set; } // the one that matches

        public BindState State { get; set; }

        public int Tried { get; set; } = -1; // the generation of the last try: nothing has changed while it is the same

        public object? WaitsFor { get; set; } // key of the supplier that was missing; null when the driver itself deferred

        public string SupplierName { get; set; } = ""; // its name, or what the driver said

        public bool Held { get; set; } // the core itself holds the device active, for a probe or a removal

        public Stack<Action>? Undo { get; set; } // what unbinding undoes; null unless bound

        public string Why { get; set; } = ""; // the message of the last deferral or failure
    }

    private sealed class GateRegistration(DriverCore core, object key, IGateProvider provider) : IDisposable
    {
        public void Dispose()
        {
            lock (core._lock)
            {
                if (core._gateProviders.GetValueOrDefault(key) == provider)
                    core._gateProviders.Remove(key);
            }
        }
    }
}
