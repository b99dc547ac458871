using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Diagnostics;

namespace Aperture.Iommu;

/// <summary>The one owner of device address spaces in a machine: knows the units, makes groups and default domains, and hears
/// of every fault.</summary>
public sealed partial class IommuCore
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

    /// <summary>The groups of all described masters, lowest number first.</summary>
    public IReadOnlyList<IommuGroup> Groups
    {
        get
        {
            if (_isUnsettled)
            {
                lock (_configuring)
                    Settle();
            }

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
    /// <exception cref="ApertureException"><see cref="Status.AlreadyExists"/>: a unit of that device is registered already;
    /// <see cref="Status.InvalidArgument"/>: it tells masters apart by another rule than its driver said before.</exception>
    public IDisposable Register(IommuUnit unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        lock (_configuring)
        {
            CheckGrouping(unit);
            lock (_lock)
            {
                if (!_units.TryAdd(unit.Device.Key, unit))
                    throw new ApertureException(Status.AlreadyExists, $"an IOMMU at {unit.Name} is registered already");
                unit.Registry = this;
                if (_failed.Remove(unit.Device.Key, out var before))
                    unit.TakeOver(before);
                foreach (var (key, _) in _failed.Where(entry => !entry.Value.NeedsReprogram).ToArray())
                    _failed.Remove(key); // brought in line by other means, and gone for good
            }

            var wasKnown = _groupings.ContainsKey(unit.Device.Key);
            if (!wasKnown)
                SetGrouping(unit.Device.Key, unit.Grouping);
            return new Registration(this, unit, forgetsGrouping: !wasKnown);
        }
    }

    /// <summary>Whether the unit that a specifier refers to is there.</summary>
    public bool TryFindUnit(object key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IommuUnit? unit)
    {
        lock (_lock)
            return _units.TryGetValue(key, out unit);
    }

    /// <summary>Puts a described master behind its units: translates the references, makes the default domain of its group and attaches it.
    /// Does nothing for a device that is no master or was configured before.</summary>
    /// <param name="device">The master.</param>
    /// <param name="managesOwnDma">Whether the master's driver brings its own domain: no default domain is made for it.</param>
    /// <exception cref="ApertureException"><see cref="Status.ProbeDefer"/>: a unit is not there yet; <see cref="Status.InvalidArgument"/>
    /// or <see cref="Status.OutOfRange"/>: a reference that the unit does not accept, or the master was described when two groups that it
    /// belongs to were in use; or a failed attach. Nothing is changed then.</exception>
    public void Configure(Device device, bool managesOwnDma = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            if (device.Iommu is null && _described.TryGetValue(device, out var described))
                Configure(described, managesOwnDma);
            AssertInvariants();
        }
    }

    /// <summary>The same for a device that nobody described: its references hold until its release.</summary>
    /// <param name="device">The master.</param>
    /// <param name="specifiers">Its references to units, in the order of the description; without any nothing happens.</param>
    /// <param name="managesOwnDma">Whether the master's driver brings its own domain.</param>
    /// <exception cref="ApertureException">As above.</exception>
    public void Configure(Device device, ReadOnlySpan<IommuSpecifier> specifiers, bool managesOwnDma = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            if (specifiers.IsEmpty || device.Iommu is not null)
                return;
            Configure(Describe(device, new MasterIdentity { Units = specifiers.ToArray() }, true), managesOwnDma);
            AssertInvariants();
        }
    }

    /// <summary>Takes a device from behind its units. It must be quiet: its group goes on without it.</summary>
    /// <exception cref="ApertureException">A unit failed, as it reported: the device is out all the same, and may reach what it reached
    /// until the unit was programmed afresh, unless it is kept from memory meanwhile.</exception>
    public void Release(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        lock (_configuring)
        {
            if (device.Iommu is not { } master)
                return;
            var (unit, status) = master.Group.Remove(master);
            Unlink(master, master.Ports.Count);
            End(_described[device]);
            AssertInvariants();
            if (unit is not null)
            {
                throw new ApertureException(
                    status, $"{device.Name} was taken from behind {unit.Name}, which may not have noticed ({status})");
            }
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

        IommuMeter.Faulted(report);
        var device = report.Device ?? report.Unit.Device;
        var driver = report.Device?.Driver?.Name ?? report.Unit.Device.Driver?.Name ?? "";
        Trace?.IoPageFault(device.Name, driver, report.Address, report.Access == FaultAccess.Write);
        var response = domain?.Report(report) ?? FaultResponse.Unhandled;
        if (response == FaultResponse.Deferred)
            response = FaultResponse.Unhandled; // nobody would tell the unit later
        if (response == FaultResponse.Unhandled)
            Listeners.Tell(UnhandledFault, report);
        return response;
    }

    private void Configure(DescribedMaster described, bool managesOwnDma)
    {
        var device = described.Device;
        IommuMaster? master = null;
        var linked = 0;
        try
        {
            var ports = Translate(device, described.Identity.Units);
            Settle();
            var group = described.Group ?? throw Refused(described);
            master = new IommuMaster(device, ports, group, described.Identity.PasidBits);
            for (; linked < ports.Length; linked++)
                device.Power.AddSupplier(ports[linked].Unit.Device);
            device.Iommu = master;
            group.Add(master);
            if (!managesOwnDma)
                group.EnsureDefaultDomain();
        }
        catch
        {
            if (master is not null)
            {
                if (master.Group.Masters.Contains(master))
                    master.Group.Remove(master);
                Unlink(master, linked);
            }

            End(described);
            throw;
        }
    }

    private MasterPort[] Translate(Device device, IReadOnlyList<IommuSpecifier> specifiers)
    {
        var ports = new List<MasterPort>();
        foreach (var specifier in specifiers)
        {
            if (!TryFindUnit(specifier.Unit, out var unit))
                throw new ApertureException(Status.ProbeDefer, $"{device.Name} waits for IOMMU {specifier.UnitName}");
            var status = unit.Translate(specifier.Cells, out var stream);
            if (status != Status.Ok)
            {
                var cells = string.Join(' ', specifier.Cells);
                throw new ApertureException(
                    status, $"{device.Name} refers to IOMMU {unit.Name} with cells <{cells}>, which it does not accept ({status})");
            }

            var index = ports.FindIndex(port => port.Unit == unit);
            if (index < 0)
                ports.Add(new MasterPort(unit, [stream]));
            else if (!ports[index].Streams.Contains(stream))
                ports[index] = new MasterPort(unit, [.. ports[index].Streams, stream]);
        }

        return [.. ports];
    }

    private static void Unlink(IommuMaster master, int linked)
    {
        master.Device.Iommu = null;
        while (--linked >= 0)
            master.Device.Power.RemoveSupplier(master.Ports[linked].Unit.Device);
    }

    /// <summary>The end of a master's stay behind its units.</summary>
    private void End(DescribedMaster master)
    {
        _isUnsettled |= _isHeldUp;
        if (!master.IsForOneStay)
            return;
        _described.Remove(master.Device);
        _descriptions.Remove(master);
        _all = [.. _descriptions];
        _isUnsettled = true;
    }

    private sealed class Registration(IommuCore core, IommuUnit unit, bool forgetsGrouping) : IDisposable
    {
        public void Dispose()
        {
            // In one step: a master that were configured in between would be left on a unit that is out.
            var errors = default(ThrownErrors);
            lock (core._configuring)
            {
                IommuGroup[] groups;
                lock (core._lock)
                {
                    if (core._units.GetValueOrDefault(unit.Device.Key) != unit)
                        return;
                    groups = [.. core._groups.Values];
                }

                var masters = groups.SelectMany(group => group.Masters).Where(master => master.Ports.Any(port => port.Unit == unit));
                Quarantine.RunAll(masters.ToArray(), master => core.Release(master.Device), ref errors);
                lock (core._lock)
                {
                    core._units.Remove(unit.Device.Key);
                    if (unit.NeedsReprogram)
                        core._failed[unit.Device.Key] = unit;
                }

                if (forgetsGrouping)
                    core.SetGrouping(unit.Device.Key, null);
            }

            errors.Throw();
        }
    }
}
