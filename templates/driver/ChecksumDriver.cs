using Aperture.Devices;

namespace ApertureDriver;

/// <summary>The driver: which devices it serves, and how it takes one over.</summary>
internal sealed class ChecksumDriver(TimeProvider time) : IDriver
{
    public string Name => "checksum";

    public IReadOnlyList<string> Compatible => ["example,checksum"];

    public IBoundDriver Probe(Device device)
    {
        var client = new ChecksumClient(device, time);
        device.Manage(device.Interrupts[0].Request(client.OnInterrupt)); // released by itself when the device is unbound
        return client;
    }
}
