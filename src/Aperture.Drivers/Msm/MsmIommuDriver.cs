using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>Driver of the IOMMUs of Qualcomm's MSM8x60, MSM8960 and APQ8064. A device needs its register region, one interrupt and
/// the clocks <c>smmu_pclk</c> and <c>iommu_clk</c>; its node tells the number of context banks (<c>qcom,ncb</c>).</summary>
public sealed class MsmIommuDriver : IIommuDriver
{
    private readonly IommuCore _core;

    /// <summary>A driver whose units belong to <paramref name="core"/>.</summary>
    public MsmIommuDriver(IommuCore core)
    {
        ArgumentNullException.ThrowIfNull(core);
        _core = core;
    }

    /// <inheritdoc/>
    public string Name => "msm-iommu";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["qcom,apq8064-iommu"];

    /// <summary>Masters with a machine ID in common cannot be told apart.</summary>
    public MasterGrouping GroupingOf(Device unit) => MasterGrouping.ByReference;

    /// <inheritdoc/>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        return Probe(device, MsmIommuDescription.Read(device.Name, device.Node));
    }

    /// <summary>Takes over a device whose description did not come from a device tree.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: the description is not acceptable, or registers or clocks
    /// are missing; <see cref="Status.NoDevice"/>: there is no interrupt, or the unit fails its self-test.</exception>
    public MsmIommuUnit Probe(Device device, MsmIommuDescription description)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(description);
        description.Check(device.Name);
        if (device.Registers.Count == 0)
            throw new ApertureException(Status.InvalidArgument, $"{device.Name} has no registers");
        if (device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no interrupt");

        var unit = new MsmIommuUnit(device, _core, description);
        unit.Test();
        device.Manage(device.Interrupts[0].Request(unit.OnInterrupt));
        device.Manage(_core.Register(unit));
        unit.RuntimeResume(); // the core holds the device active while it is probed
        return unit;
    }
}
