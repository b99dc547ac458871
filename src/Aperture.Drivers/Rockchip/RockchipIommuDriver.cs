using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Rockchip;

/// <summary>Driver of Rockchip's IOMMUs, versions 1 and 2. A device needs a register region for each of its MMUs, an interrupt, and the
/// clocks <c>aclk</c> and <c>iface</c>, which it shares with its master; in older trees it has none at all.</summary>
public sealed class RockchipIommuDriver : IIommuDriver
{
    private static readonly string[] s_clocks = ["aclk", "iface"]; // the binding's names

    private readonly IommuCore _core;
    private readonly TimeProvider _time;
    private readonly int _tableBits;

    /// <summary>A driver whose units belong to <paramref name="core"/>.</summary>
    /// <param name="core">The core.</param>
    /// <param name="time">What the driver waits by; the system's time when null.</param>
    /// <param name="tableBits">Page tables lie below 2^this; 32, or 40 where version 2 is known to walk tables there.</param>
    public RockchipIommuDriver(IommuCore core, TimeProvider? time = null, int tableBits = 32)
    {
        _tableBits = tableBits;
        ArgumentNullException.ThrowIfNull(core);
        _core = core;
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc/>
    public string Name => "rk-iommu";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["rockchip,iommu", RockchipIommuDescription.WideCompatible];

    /// <summary>A unit cannot tell its masters apart.</summary>
    public MasterGrouping GroupingOf(Device unit) => MasterGrouping.ByUnit;

    /// <inheritdoc/>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Clocks.Count > 0 && !s_clocks.All(device.Clocks.ContainsKey))
            throw new ApertureException(
                Status.NoDevice, $"{device.Name} has clocks, but not those called "
                    + $"{string.Join(" and ", s_clocks.Select(name => $"\"{name}\""))}");
        return Probe(device, RockchipIommuDescription.Read(device) with { TableBits = _tableBits });
    }

    /// <summary>Takes over a device whose description did not come from a device tree. No register is touched while no domain is in
    /// force.</summary>
    /// <param name="device">The unit.</param>
    /// <param name="description">What its registers do not tell.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: it has no registers; <see cref="Status.NoDevice"/>: it has
    /// no interrupt.</exception>
    public RockchipIommuUnit Probe(Device device, RockchipIommuDescription description)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(description);
        if (device.Registers.Count == 0)
            throw new ApertureException(Status.InvalidArgument, $"{device.Name} has no registers");
        if (device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no interrupt");
        var unit = new RockchipIommuUnit(device, _core, _time, description);
        foreach (var interrupt in device.Interrupts)
            device.Manage(interrupt.Request(unit.OnInterrupt));
        device.Manage(_core.Register(unit));
        unit.RuntimeResume(); // the core holds the device active while it is probed
        return unit;
    }
}
