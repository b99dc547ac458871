using Aperture.Devices;
using Aperture.DeviceTrees;

namespace Aperture.Boards;

/// <summary>Driver of every provider of gates: makes them known when its device is probed, as a board's clock and power
/// controllers do.</summary>
/// <param name="core">Where providers are made known.</param>
/// <param name="controllers">The controllers by node.</param>
internal sealed class GateControllerDriver(DriverCore core, IReadOnlyDictionary<DeviceTreeNode, GateController> controllers) : IDriver
{
    /// <summary>What the board calls such devices, whatever their nodes say.</summary>
    public const string CompatibleName = "aperture,gate-controller";

    public string Name => "gate-controller";

    public IReadOnlyList<string> Compatible { get; } = [CompatibleName];

    public IBoundDriver Probe(Device device)
    {
        device.Manage(core.RegisterGates(device.Key, controllers[device.Node!]));
        return new Bound();
    }

    private sealed class Bound : IBoundDriver;
}
