using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Tegra;

/// <summary>Driver of the memory controllers of Tegra30, 114, 124, 132 and 210, which contain the SMMU. A device needs its register region
/// and one interrupt; its clocks are held while it is active. A second region, where there is one, is that of the AHB arbiter.</summary>
public sealed class TegraIommuDriver : IIommuDriver
{
    private readonly IommuCore _core;
    private readonly DriverCore? _drivers; // where hot resets are made known; null for nowhere
    private readonly TegraDriverOptions _options;
    private readonly TegraTables _tables;  // of all domains of this driver's units

    /// <summary>A driver whose units belong to <paramref name="core"/>.</summary>
    /// <param name="core">The owner of address spaces.</param>
    /// <param name="drivers">Where the controllers' hot resets are made known as reset lines; null for nowhere.</param>
    /// <param name="options">What can be done in more than one way.</param>
    public TegraIommuDriver(IommuCore core, DriverCore? drivers = null, TegraDriverOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(core);
        _core = core;
        _drivers = drivers;
        _options = options ?? new TegraDriverOptions();
        _tables = new TegraTables(core.Tables);
    }

    /// <inheritdoc/>
    public string Name => "tegra-smmu";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = [.. TegraSoc.All.Select(soc => soc.Compatible)];

    /// <inheritdoc/>
    public MasterGrouping GroupingOf(Device unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        return SocOf(unit) is { } soc ? new TegraMasterGrouping(soc, _options.Grouping) : MasterGrouping.ByReference;
    }

    /// <inheritdoc/>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0)
            throw new ApertureException(Status.InvalidArgument, $"{device.Name} has no registers");
        if (device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no interrupt");
        var soc = SocOf(device)
            ?? throw new ApertureException(Status.NoDevice, $"{device.Name} is the memory controller of no known Tegra");

        var unit = new TegraSmmuUnit(device, _core, soc, _options, _tables);
        device.Manage(_tables.Register(unit));
        device.Manage(device.Interrupts[0].Request(unit.OnInterrupt));
        device.Manage(_core.Register(unit));
        unit.RuntimeResume(); // the core holds the device active while it is probed
        if (_drivers is not null)
            device.Manage(_drivers.RegisterGates(device.Key, unit.HotResets));
        return unit;
    }

    private static TegraSoc? SocOf(Device unit) => unit.Description.Compatible.Select(TegraSoc.Find).FirstOrDefault(soc => soc is not null);
}
