using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Omap;

/// <summary>Driver of TI's device MMUs, OMAP2 to OMAP5 and DRA7. A device needs its register region and one interrupt; one
/// with <c>ti,syscon-mmuconfig</c> also the registers of the block that it refers to, as its last region.</summary>
public sealed class OmapIommuDriver : IIommuDriver
{
    private readonly IommuCore _core;

    /// <summary>A driver whose units belong to <paramref name="core"/>.</summary>
    public OmapIommuDriver(IommuCore core)
    {
        ArgumentNullException.ThrowIfNull(core);
        _core = core;
    }

    /// <inheritdoc/>
    public string Name => "omap-iommu";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["ti,omap2-iommu", "ti,omap4-iommu", "ti,dra7-iommu", "ti,dra7-dsp-iommu"];

    /// <summary>A unit cannot tell its masters apart.</summary>
    public MasterGrouping GroupingOf(Device unit) => MasterGrouping.ByUnit;

    /// <inheritdoc/>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Probe(device, OmapMmuDescription.Read(device.Name, device.Node));
    }

    /// <summary>Takes over a device whose description did not come from a device tree. No register of the MMU is touched.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the description is not acceptable, or registers
    /// are missing; <see cref="Status.NoDevice"/>: there is no interrupt.</exception>
    public OmapIommu Probe(Device device, OmapMmuDescription description)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(description);
        description.Check(device.Name);
        var regions = description.SystemInstance is null ? 1 : 2;
        if (device.Registers.Count < regions)
            throw new ApertureException(
                Status.InvalidArgument,
                $"{device.Name} has {device.Registers.Count} register regions where {regions} are needed");
        if (device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no interrupt");

        var unit = new OmapIommu(device, _core, description);
        device.Manage(device.Interrupts[0].Request(unit.OnInterrupt));
        device.Manage(_core.Register(unit));
        unit.RuntimeResume(); // the core holds the device active while it is probed
        return unit;
    }
}
