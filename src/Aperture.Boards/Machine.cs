using Aperture.Boards.Acpi;
using Aperture.Boards.Checking;
using Aperture.Boards.Masters;
using Aperture.Boards.Units;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.DeviceTrees;
using Aperture.Dma.Sanitizer;
using Aperture.Firmware;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Masters;
using Aperture.Iommu;

namespace Aperture.Boards;

/// <summary>A running machine made from a device tree, or from ACPI tables: RAM, buses, models of its IOMMUs and masters, and the software
/// that
/// drives them. Everything happens on the caller's thread and on the machine's own clock: the same tree and the same calls
/// give the same bytes.</summary>
public sealed partial class Machine : IDisposable, IBlockHost
{
    private readonly MachineOptions _options;
    private readonly BoardMemory _driverMemory;       // what drivers allocate from
    private readonly List<BoardUnit> _units = [];     // in the tree's order
    private readonly List<BoardMaster> _masters = []; // in the tree's order, skipped ones included
    private readonly List<Device> _pending = [];      // made, and not yet added to the driver core
    private readonly Dictionary<string, Wiring.InterruptWire> _interrupts = []; // by controller and specifier

    private Machine(DeviceTree tree, IFirmware firmware, MachineOptions options)
    {
        Tree = tree;
        Firmware = firmware;
        _options = options;
        _kinds = UnitList.Default.With(options.Units);
        _masterKinds = MasterList.Default.With(options.Masters);
        Pace = options.MasterSlice is { } bytes ? new MasterPace(Clock, bytes, options.MasterPause) : null;
        _plan = new MemoryPlan(tree, options.Memory, options.FallbackMemory);
        if (_plan.Ram.Count == 0)
            throw new ApertureException(Status.NoSpace, $"{tree.Board}: {MemoryPlan.WhyNone}");
        Memory = new PhysicalMemory(options.CpuCaches, [.. _plan.Ram]);
        if (options.IsConfidential)
            Memory.MakeConfidential();
        Bus = new SystemBus(Memory);
        try
        {
            Pages = PagesOf(Memory);
        }
        catch
        {
            Memory.Dispose();
            throw;
        }

        Tables = new TableAllocator(Pages);
        Iommu = new IommuCore(Tables, options.Trace?.Invoke(Clock)) { DefaultDomainType = options.DefaultDomain };
        _driverMemory = new BoardMemory(Pages);
        Drivers = new DriverCore(Iommu, _driverMemory, Clock, options.Logger);
        if (options.Sanitizer is not null)
        {
            Sanitizer = DmaSanitizer.Watch(Drivers.Dma, Memory, options.Sanitizer);
            Sanitizer.WatchFaults(Iommu);
        }

        Drivers.Dma.ContiguousArea = DefaultArea();
        Drivers.Dma.CoherentPool = DefaultPool();
        options.Dma?.Invoke(Drivers.Dma);
    }

    /// <summary>The tree that the machine was made from; of an <see cref="AcpiBoard"/> its own.</summary>
    public DeviceTree Tree { get; }

    /// <summary>What the tree, or ACPI's tables, say about masters and their IOMMUs.</summary>
    public IFirmware Firmware { get; }

    /// <summary>The machine's time.</summary>
    public MachineClock Clock { get; } = new();

    /// <summary>How fast the machine's masters work, for blocks that are plugged in, too; null: a command at once
    /// (<see cref="MachineOptions.MasterSlice"/>).</summary>
    public MasterPace? Pace { get; }

    /// <summary>The RAM.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>The physical address space.</summary>
    public SystemBus Bus { get; }

    /// <summary>The pages of RAM that nobody reserved.</summary>
    public PageAllocator Pages { get; }

    /// <summary>Where page tables come from.</summary>
    public TableAllocator Tables { get; }

    /// <summary>The owner of all device address spaces.</summary>
    public IommuCore Iommu { get; }

    /// <summary>Devices and their drivers.</summary>
    public DriverCore Drivers { get; }

    /// <summary>What watches drivers and masters; null unless <see cref="MachineOptions.Sanitizer"/> asked for it.</summary>
    public DmaSanitizer? Sanitizer { get; }

    /// <summary>The IOMMUs with a model, in the tree's order.</summary>
    public IReadOnlyList<BoardUnit> Units => _units;

    /// <summary>The masters that the tree puts behind IOMMUs, in the tree's order, skipped ones included.</summary>
    public IReadOnlyList<BoardMaster> Masters => _masters;

    /// <summary>Builds the machine and boots it: every device whose suppliers are there is bound to its driver.</summary>
    /// <exception cref="ApertureException">The tree describes no machine that can be built; the message names the node.</exception>
    public static Machine Boot(DeviceTree tree, MachineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tree);
        if (BoardForm.WhyNone(tree) is { } why)
            throw new ApertureException(Status.InvalidArgument, why);
        return Boot(tree, new DeviceTreeFirmware(), options);
    }

    /// <summary>As <see cref="Boot(DeviceTree, MachineOptions?)"/>, where something else than the tree says who is behind which
    /// unit.</summary>
    internal static Machine Boot(DeviceTree tree, IFirmware firmware, MachineOptions? options)
    {
        var machine = new Machine(tree, firmware, options ?? new MachineOptions());
        try
        {
            machine.BuildUnits();
            machine.BuildMasters();
            machine.BuildDirectMasters();
            machine.BuildPciHosts();
            machine.Start();
            return machine;
        }
        catch
        {
            machine.Dispose();
            throw;
        }
    }

    /// <summary>Gives the RAM back. Nothing of the machine may be used afterwards.</summary>
    public void Dispose()
    {
        Sanitizer?.Dispose();
        Drivers.Dma.Close();
        Memory.Dispose();
    }

    /// <summary>Puts a block on the bus.</summary>
    /// <exception cref="ApertureException">There is no room; the message names the node.</exception>
    internal void Attach(DeviceTreeNode node, PhysicalAddress address, IMmioDevice block)
    {
        try
        {
            Bus.Attach(address, block);
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{node.Path}: {e.Message}", e);
        }
    }

    private void Start()
    {
        RegisterDrivers();
        Device[] devices = [.. MakeControllers(), .. _pending];
        foreach (var device in devices)
            Iommu.AddMaster(device); // in the tree's order, which gives groups their numbers
        if (_options.ShuffleSeed is { } seed)
            new Random(seed).Shuffle(devices);
        Drivers.Add(devices);
    }
}
