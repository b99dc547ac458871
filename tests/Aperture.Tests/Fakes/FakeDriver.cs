using Aperture.Devices;

namespace Aperture.Tests.Fakes;

/// <summary>A driver that writes down what is asked of it, as <c>device what</c>.</summary>
internal sealed class FakeDriver(List<string> calls, params string[] compatible) : IDriver
{
    public string Name { get; init; } = "fake";

    public IReadOnlyList<string> Compatible { get; } = compatible;

    public bool ManagesOwnDma { get; init; }

    /// <summary>Runs in the probe.</summary>
    public Action<Device>? OnProbe { get; set; }

    /// <summary>Runs in every other call, with its name; may throw.</summary>
    public Action<Device, string>? OnCall { get; set; }

    public IBoundDriver Probe(Device device)
    {
        calls.Add($"{device.Name} probe");
        OnProbe?.Invoke(device);
        return new Bound(this, device);
    }

    private void Call(Device device, string what)
    {
        calls.Add($"{device.Name} {what}");
        OnCall?.Invoke(device, what);
    }

    private sealed class Bound(FakeDriver driver, Device device) : IBoundDriver
    {
        public void Remove() => driver.Call(device, "remove");

        public void Suspend() => driver.Call(device, "sleep");

        public void Resume() => driver.Call(device, "wake");

        public void RuntimeSuspend() => driver.Call(device, "suspend");

        public void RuntimeResume() => driver.Call(device, "resume");
    }
}
