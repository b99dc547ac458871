using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Driver of Arm's SMMUv3. A device needs its two register pages and at least one interrupt; all of its interrupts are looked at
/// alike, whether the unit has one for each cause or one for all.</summary>
public sealed class SmmuV3Driver : IIommuDriver
{
    private readonly IommuCore _core;
    private readonly TimeProvider _time;
    private readonly SmmuV3DriverOptions _options;

    /// <summary>A driver whose units belong to <paramref name="core"/>.</summary>
    /// <param name="core">The owner of address spaces.</param>
    /// <param name="time">By which the driver waits for the hardware.</param>
    /// <param name="options">What can be done in more than one way.</param>
    public SmmuV3Driver(IommuCore core, TimeProvider time, SmmuV3DriverOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(core);
        ArgumentNullException.ThrowIfNull(time);
        (_core, _time, _options) = (core, time, options ?? new SmmuV3DriverOptions());
    }

    /// <inheritdoc/>
    public string Name => "arm-smmu-v3";

    /// <inheritdoc/>
    public IReadOnlyList<string> Compatible { get; } = ["arm,smmu-v3"];

    /// <summary>Masters with a stream in common cannot be told apart.</summary>
    public MasterGrouping GroupingOf(Device unit) => MasterGrouping.ByReference;

    /// <inheritdoc/>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: registers are missing; <see cref="Status.NoDevice"/>:
    /// there is no interrupt, or the identification registers tell of nothing that can be driven; <see cref="Status.NoMemory"/>: no
    /// memory for tables and queues.</exception>
    public IBoundDriver Probe(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Registers.Count == 0 || device.Registers[0].Size < SmmuV3Register.WindowSize)
        {
            throw new ApertureException(
                Status.InvalidArgument, $"{device.Name} has no 0x{SmmuV3Register.WindowSize:x} bytes of registers");
        }

        if (device.Interrupts.Count == 0)
            throw new ApertureException(Status.NoDevice, $"{device.Name} has no interrupt");
        var identity = SmmuV3Identity.Read(device.Name, device.Registers[0], _options);
        var unit = new SmmuV3Unit(device, _core, identity, _options, _time);
        device.Manage(unit.Memory);
        foreach (var interrupt in device.Interrupts.Distinct())
            device.Manage(interrupt.Request(unit.OnInterrupt));
        device.Manage(_core.Register(unit));
        unit.RuntimeResume(); // the core holds the device active while it is probed
        return unit;
    }
}
