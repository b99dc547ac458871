using Aperture.Core;
using Aperture.DeviceTrees;
using Aperture.Dma;
using Aperture.Iommu;
using Aperture.Power;

namespace Aperture.Devices;

/// <summary>A device of a machine: its name, its description, its registers, interrupts, gates, power, and what it does DMA
/// with. The same face on a simulated board and on a host.</summary>
public sealed partial class Device : IPowered
{
    private readonly Stack<IDisposable> _managed = new(); // released in reverse order when the driver lets go

    /// <summary>A device.</summary>
    /// <param name="name">The name as Linux gives it, for example <c>480bc000.isp</c>.</param>
    /// <param name="node">Its node in the device tree, if it came from one.</param>
    public Device(string name, DeviceTreeNode? node = null)
    {
        Name = name;
        Node = node;
        Power = new RuntimePower(this);
        Dma = new DmaContext(this);
    }

    /// <summary>The name as Linux gives it, for example <c>480bc000.isp</c>.</summary>
    public string Name { get; }

    /// <summary>Its node in the device tree, if it came from one.</summary>
    public DeviceTreeNode? Node { get; }

    /// <summary>What other descriptions mean when they refer to this device: the node, or the device itself without one.</summary>
    public object Key => Node ?? (object)this;

    /// <summary>What the description says of drivers, suppliers and DMA.</summary>
    public DeviceDescription Description { get; init; } = DeviceDescription.Empty;

    /// <summary>The driver that is bound or is being bound, or null.</summary>
    public IDriver? Driver { get; internal set; }

    /// <summary>The driver's state for this device, or null.</summary>
    public IBoundDriver? Bound { get; internal set; }

    IPowerAware? IPowered.Bound => Bound;

    /// <summary>Register regions, in the order of the description. Filled by whoever made the device.</summary>
    public IList<RegisterRegion> Registers { get; } = [];

    /// <summary>Interrupts, in the order of the description. Filled by whoever made the device.</summary>
    public IList<Interrupt> Interrupts { get; } = [];

    /// <summary>Clocks by name; unnamed ones are called by their number in the description. The driver core fills this before the
    /// probe.</summary>
    public IDictionary<string, Gate> Clocks { get; } = new Dictionary<string, Gate>(StringComparer.Ordinal);

    /// <summary>Reset lines by name; unnamed ones are called by their number in the description. The driver core fills this before the
    /// probe.</summary>
    public IDictionary<string, Gate> Resets { get; } = new Dictionary<string, Gate>(StringComparer.Ordinal);

    /// <summary>Power domains, in the order of the description. The driver core fills this before the probe and holds them on while the
    /// device is active.</summary>
    public IList<Gate> PowerDomains { get; } = [];

    /// <summary>Runtime power.</summary>
    public RuntimePower Power { get; }

    /// <summary>The DMA API of this device.</summary>
    public DmaContext Dma { get; }

    /// <summary>The switch that keeps the device from memory; null where there is none. Set by whoever made the device.</summary>
    public BusMastering? BusMastering { get; set; }

    /// <summary>The switches of the device's services for translations; null where there are none. Set by whoever made the
    /// device.</summary>
    public TranslationServices? Translations { get; set; }

    /// <summary>What the IOMMU core knows about this device as a master; null while no unit serves it.</summary>
    public IommuMaster? Iommu { get; internal set; }

    /// <summary>A region of reserved memory by its name (<see cref="DeviceDescription.MemoryRegions"/> has them by number).</summary>
    /// <exception cref="ApertureException"><see cref="Status.NotFound"/>: there is none of this name; the message says which there
    /// are.</exception>
    public DeviceRegion MemoryRegion(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        foreach (var region in Description.MemoryRegions)
        {
            if (region.Name == name)
                return region;
        }

        var names = string.Join(", ", Description.MemoryRegions.Select(region => region.ToString()));
        throw new ApertureException(
            Status.NotFound, $"{Name} has no memory region '{name}'; {(names.Length > 0 ? $"it has {names}" : "it has none")}");
    }

    /// <summary>Ties a resource to the driver's stay: it is disposed when the driver lets go of the device or its probe fails,
    /// the youngest first.</summary>
    public T Manage<T>(T resource)
        where T : IDisposable
    {
        _managed.Push(resource);
        return resource;
    }

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    /// <summary>Disposes the managed resources, youngest first.</summary>
    /// <param name="failed">Hears of each that threw, and the others are disposed all the same; without it the exception ends the
    /// work.</param>
    internal void ReleaseManaged(Action<Exception>? failed = null)
    {
        while (_managed.TryPop(out var resource))
        {
            try
            {
                resource.Dispose();
            }
            catch (Exception e) when (failed is not null)
            {
                failed(e);
            }
        }
    }
}
