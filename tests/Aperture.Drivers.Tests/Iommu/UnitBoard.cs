using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>A machine of RAM, units of one kind and masters, without a device tree.</summary>
public abstract class UnitBoard : IDisposable
{
    private const ulong RamStart = 0x8000_0000;
    private readonly List<UnitOnBoard> _units = [];
    private ulong _nextRegisters = 0x1000_0000; // where the next unit's registers go
    private int _masters;                       // masters made

    /// <summary>A machine whose CPU has these caches, which no unit and no master snoops; null for none.</summary>
    protected UnitBoard(CpuCacheOptions? caches = null, Func<ITableMemory, ITableMemory>? tables = null)
    {
        Memory = new PhysicalMemory(caches, new MemoryRange(new PhysicalAddress(RamStart), 96 << 20));
        Pages = new PageAllocator(Memory);
        Tables = new TableAllocator(Pages);
        Bus = new SystemBus(Memory);
        Core = new IommuCore(tables is null ? Tables : tables(Tables));
    }

    public PhysicalMemory Memory { get; }

    public PageAllocator Pages { get; }

    public TableAllocator Tables { get; }

    public SystemBus Bus { get; }

    public IommuCore Core { get; }

    /// <summary>The highest page-aligned memory that tests may use as data: tables are allocated from below.</summary>
    public PhysicalAddress Data { get; } = new(RamStart + (32 << 20));

    public UnitOnBoard AddUnit()
    {
        var address = new PhysicalAddress(_nextRegisters);
        _nextRegisters += 0x10_0000;
        var model = CreateModel(address);
        Bus.Attach(address, model);
        var device = new Device($"{address.Value:x}.{Kind}")
        {
            Description = new DeviceDescription { Compatible = Compatible is { } name ? [name] : [] },
        };
        var registers = new WatchedRegisters(new BusRegisterRegion(Bus, address, model.Size, device.Name));
        device.Registers.Add(registers);
        var wire = new InterruptWire(device.Name);
        wire.Connect(model.Interrupt);
        var interrupt = wire.Input;
        device.Interrupts.Add(interrupt);
        Describe(device, model);
        for (var i = 1; i < device.Registers.Count; i++)
            device.Registers[i] = new WatchedRegisters(device.Registers[i]) { First = registers };
        var driver = Driver;
        device.Driver = driver;
        device.Bound = driver.Probe(device);
        device.Bound.RuntimeSuspend();
        var unit = new UnitOnBoard(device, model, (IommuUnit)device.Bound, registers, interrupt);
        _units.Add(unit);
        return unit;
    }

    /// <summary>The silicon of a unit.</summary>
    public TranslationUnit ModelOf(IommuUnit unit) => _units.Single(candidate => candidate.Unit == unit).Model;

    /// <summary>A master with ids of its own on each of the units.</summary>
    public MasterOnBoard AddMaster(params UnitOnBoard[] units) => AddMaster(hasSwitch: true, units);

    /// <summary>The same, with a switch that keeps it from memory or without.</summary>
    public MasterOnBoard AddMaster(bool hasSwitch, params UnitOnBoard[] units)
    {
        var device = new Device($"master{_masters}");
        var ids = Ids(_masters++);
        var ports = units.SelectMany(unit => ids.Select(id => (Unit: unit, Id: id))).ToArray();
        DmaPort[] ways = [.. ports.Select(port => new DmaPort(Bus, port.Unit.Model, new StreamId(port.Id)))];
        device.BusMastering = hasSwitch ? new PortMastering(ways) : null;
        Core.Configure(
            device,
            [.. ports.Select(port => new IommuSpecifier(
                port.Unit.Device,
                port.Unit.Device.Name,
                port.Unit.Unit.SpecifierCells == 0 ? [] : [port.Id]))]);
        return new MasterOnBoard(this, device, ways);
    }

    public void Dispose()
    {
        (Driver as IDisposable)?.Dispose();
        Memory.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Whether the units tell several masters apart.</summary>
    public virtual bool TellsMastersApart => false;

    /// <summary>Whether a fault that nobody handles leaves the unit to report the next one: it serves others, too.</summary>
    public virtual bool ReportsEachFault => false;

    /// <summary>Whether accesses may be refused while a master goes from one domain to another, which the hardware cannot change in one
    /// step. None goes anywhere else.</summary>
    public virtual bool RefusesWhileSwitching => false;

    protected abstract string Kind { get; }

    protected abstract IDriver Driver { get; }

    /// <summary>What the units are, where their driver has to be told.</summary>
    protected virtual string? Compatible => null;

    protected abstract TranslationUnit CreateModel(PhysicalAddress registers);

    /// <summary>The numbers by which the units know a master.</summary>
    protected virtual uint[] Ids(int master) => [0];

    protected virtual void Describe(Device device, TranslationUnit model)
    {
    }

    /// <summary>A clock, which a board's tree would have.</summary>
    protected static Gate Clock(Device device, string name)
    {
        var clock = new Gate(GateKind.Clock, $"{device.Name} {name}");
        device.Clocks.Add(name, clock);
        return clock;
    }
}

/// <summary>A unit: its device, its silicon, its driver's state, the registers between them.</summary>
public sealed record UnitOnBoard(Device Device, TranslationUnit Model, IommuUnit Unit, WatchedRegisters Registers, Interrupt Interrupt)
{
    public void On() => Device.Power.Get();

    public void Off() => Device.Power.Put();

    /// <summary>Off and on again, with everything lost in between or not.</summary>
    public void Cycle(bool losesState = true)
    {
        Off();
        if (losesState)
        {
            Model.SetPower(false);
            Model.SetPower(true);
        }

        On();
    }
}
