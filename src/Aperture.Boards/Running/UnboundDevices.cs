using Aperture.Devices;

namespace Aperture.Boards.Running;

/// <summary>The devices of a machine that no driver could take, and why.</summary>
public static class UnboundDevices
{
    /// <summary>Each device without a driver with one line that says why, names included.</summary>
    public static IReadOnlyDictionary<Device, string> Find(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var reasons = new Dictionary<Device, string>();
        foreach (var line in machine.Drivers.Log)
        {
            if (line is { Kind: DriverEventKind.Failed, Device: { Bound: null } device })
                reasons[device] = line.Detail.Contains(device.Name, StringComparison.Ordinal)
                    ? line.Detail
                    : $"{device.Name}: {line.Detail}";
        }

        foreach (var deferred in machine.Drivers.Deferred)
            reasons[deferred.Device] = deferred.Reason;
        foreach (var device in machine.Drivers.Devices)
        {
            if (device.Bound is null)
                reasons.TryAdd(device, $"{device.Name}: no driver is bound");
        }

        return reasons;
    }
}
