using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Diagnostics;
using Aperture.Dma.Meters;

namespace Aperture.Iommu;

/// <summary>The one owner of device address spaces in a machine: knows the units, makes groups and default domains, and hears
/// of every fault.</summary>
public sealed class IommuCore
{
    /// <summary>Number of faults that are kept; older ones are forgotten but stay counted.</summary>
    public const int KeptFaults = 256;

    /// <summary>The domain in which device addresses are physical addresses.</summary>
    public IommuDomain Identity { get; } = new StaticDomain(DomainType.Identity);

    /// <summary>The domain in which nothing passes, for units that can do that without a table.</summary>
    public IommuDomain Blocked { get; } = new StaticDomain(DomainType.Blocked);

    private readonly Lock _configuring = new();                // one master at a time comes or goes
    private readonly Lock _lock = new();                       // guards the collections below, never held while a driver is called
    private readonly Dictionary<object, IommuUnit> _units = []; // by the node of the unit's device
    private readonly SortedDictionary<int, IommuGroup> _groups = []; // by number
    private readonly Queue<FaultReport> _faults = new();        // the last ones, oldest first

    /// <summary>An IOMMU core without units.</summary>
    /// <param name="tables">Where page tables live.</param>
    /// <param name="trace">Hears of everything, or null.</param>
    public IommuCore(ITableMemory tables, DmaTrace? trace = null)
    {
        ArgumentNullException.ThrowIfNull(tables);
        Tables = tables;
        Trace = trace;
    }

    /// <summary>Where page tables live.</summary>
    public ITableMemory Tables { get; }

    /// <summary>Hears of maps, unmaps, attachments and faults; null when nobody listens.</summary>
    public DmaTrace? Trace { get; }

    /// <summary>What a group gets that nobody asked about: <see cref="DomainType.Dma"/> unless changed to
    /// <see cref="DomainType.DmaDeferred"/> or <see cref="DomainType.Identity"/> before the first master is configured.</summary>
    public DomainType DefaultDomainType { get; set; } = DomainType.Dma;

    /// <summary>The registered units.</summary>
    public IReadOnlyList<IommuUnit> Units
    {
        get
        {
            lock (_lock)
                return [.. _units.Values];
        }
    }

    /// <summary>The groups, lowest number first.</summary>
    public IReadOnlyList<IommuGroup> Groups
    {
        get
        {
            lock (_lock)
                return [.. _groups.Values];
        }
    }

    /// <summary>The last faults, oldest first; at most <see cref="KeptFaults"/>.</summary>
    public IReadOnlyList<FaultReport> Faults
    {
        get
        {
            lock (_lock)
                return [.. _faults];
        }
    }

    /// <summary>Number of faults reported since the start.</summary>
    public ulong FaultCount { get; private set; }

    /// <summary>Called for each fault that no domain's handler took.</summary>
    public event Action<FaultReport>? UnhandledFault;

    /// <summary>Makes a unit known. Unit drivers call it at the end of their probe and manage the result, so that it goes with
    /// the device.</summary>
    /// <returns>Dispose it to take the unit out again; its masters lose it first.</returns>
    /// <exception cref="ApertureException">A unit of that device is registered already.</exception>
    public IDisposable Register(IommuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        lock (_lock)
        {
            if (!_units.TryAdd(unit.Device.Key, unit))
                throw new ApertureException(Status.AlreadyExists, $"an IOMMU at {unit.Name} is registered already");
        }

        return new Registration(this, unit);
    }

    /// <summary>Whether the unit that a specifier refers to is there.</summary>
    public bool TryFindUnit(object key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IommuUnit? unit)
    {
        lock (_lock)
            return _units.TryGetValue(key, out unit);
    }

    /// <summary>Puts a device behind its units: translates the references, finds or makes its group, makes the group's default
    /// domain and attaches it. Does nothing for a device without references or one configured before.</summary>
    /// <param name="device">The master.</param>
    /// <param name="specifiers">Its references to units, in the order of the description.</param>
    /// <param name="managesOwnDma">Whether the master's driver brings its own domain: no default domain is made for it.</param>
    /// <exception cref="ApertureException"><see cref="Status.ProbeDefer"/>: a unit is not there yet; <see cref="Status.InvalidArgument"/> or
    /// <see cref="Status.OutOfRange"/>: a reference that the unit does not accept; or a failed attach. Nothing is changed then.</exception>
    public void Configure(Device device, ReadOnlySpan<IommuSpecifier> specifiers, bool managesOwnDma = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            if (specifiers.IsEmpty || device.Iommu is not null)
                return;

            var ports = Translate(device, specifiers);
            var group = FindGroup(device, ports);
            var master = new IommuMaster(device, ports, group);
            var linked = 0;
            try
            {
                for (; linked < ports.Length; linked++)
                    device.Power.AddSupplier(ports[linked].Unit.Device);
                device.Iommu = master;
                group.Add(master);
                if (!managesOwnDma)
                    group.EnsureDefaultDomain();
            }
            catch
            {
                if (group.Masters.Contains(master))
                    group.Remove(master);
                Forget(master, linked);
                throw;
            }
        }
    }

    /// <summary>Takes a device from behind its units. It must be quiet: its group goes on without it.</summary>
    public void Release(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            if (device.Iommu is not { } master)
                return;
            master.Group.Remove(master);
            Forget(master, master.Ports.Count);
        }
    }

    /// <summary>Reports a fault: the domain's handler decides, the report is kept, counted and traced.</summary>
    /// <param name="domain">The domain that was in force, or null.</param>
    /// <param name="report">The fault.</param>
    public FaultResponse Report(IommuDomain? domain, in FaultReport report)
    {
        lock (_lock)
        {
            FaultCount++;
            if (_faults.Count == KeptFaults)
                _faults.Dequeue();
            _faults.Enqueue(report);
        }

        DmaMeter.Faulted(report);
        Trace?.IoPageFault(report.Device?.Name ?? report.Unit.Name, report.Device?.Driver?.Name ?? report.Unit.Device.Driver?.Name ?? "", report.Address, report.Access == FaultAccess.Write);
        var response = domain?.Report(report) ?? FaultResponse.Unhandled;
        if (response == FaultResponse.Unhandled)
            UnhandledFault?.Invoke(report);
        return response;
    }

    private MasterPort[] Translate(Device device, ReadOnlySpan<IommuSpecifier> specifiers)
    {
        var ports = new List<MasterPort>();
        foreach (var specifier in specifiers)
        {
            if (!TryFindUnit(specifier.Unit, out var unit))
                throw new ApertureException(Status.ProbeDefer, $"{device.Name} waits for IOMMU {specifier.UnitName}");
            var status = unit.Translate(specifier.Cells, out var stream);
            if (status != Status.Ok)
                throw new ApertureException(status, $"{device.Name} refers to IOMMU {unit.Name} with cells <{string.Join(' ', specifier.Cells)}>, which it does not accept ({status})");
            var index = ports.FindIndex(port => port.Unit == unit);
            if (index < 0)
                ports.Add(new MasterPort(unit, [stream]));
            else if (!ports[index].Streams.Contains(stream))
                ports[index] = new MasterPort(unit, [.. ports[index].Streams, stream]);
        }

        if (ports.Exists(port => port.Unit.GetType() != ports[0].Unit.GetType()))
            throw new ApertureException(Status.InvalidArgument, $"{device.Name} is behind units of different kinds: {string.Join(", ", ports.Select(port => port.Unit.Name))}");
        return [.. ports];
    }

    /// <summary>The group of the masters that cannot be told from this one on any of its units, or a new one.</summary>
    private IommuGroup FindGroup(Device device, MasterPort[] ports)
    {
        var keys = ports.SelectMany(port => port.Unit.GroupKeys(device, port.Streams)).ToArray();
        lock (_lock)
        {
            var groups = _groups.Values.Where(group => group.Keys.Overlaps(keys)).ToArray();
            if (groups.Length > 1)
            {
                throw new ApertureException(
                    Status.InvalidArgument,
                    $"{device.Name} shares units with groups {string.Join(" and ", groups.Select(group => $"{group.Id} ({string.Join(", ", group.Masters.Select(master => master.Device.Name))})"))}: it cannot be in two groups, and they are in use already");
            }

            if (groups is not [var group])
            {
                var id = 0;
                while (_groups.ContainsKey(id))
                    id++;
                group = new IommuGroup(id, this);
                _groups.Add(id, group);
            }

            group.Keys.UnionWith(keys);
            return group;
        }
    }

    private void Forget(IommuMaster master, int linked)
    {
        master.Device.Iommu = null;
        while (--linked >= 0)
            master.Device.Power.RemoveSupplier(master.Ports[linked].Unit.Device);
        lock (_lock)
        {
            if (master.Group.Masters.Count == 0)
                _groups.Remove(master.Group.Id);
        }
    }

    private sealed class Registration(IommuCore core, IommuUnit unit) : IDisposable
    {
        public void Dispose()
        {
            foreach (var master in core.Groups.SelectMany(group => group.Masters).Where(master => master.Ports.Any(port => port.Unit == unit)).ToArray())
                core.Release(master.Device);
            lock (core._lock)
            {
                if (core._units.GetValueOrDefault(unit.Device.Key) == unit)
                    core._units.Remove(unit.Device.Key);
            }
        }
    }
}
