using Aperture.Devices;

namespace Aperture.Linux.Tests.Fakes;

/// <summary>A driver that takes every device described as <c>client</c> and does nothing.</summary>
internal sealed class FakeClient : IDriver, IBoundDriver
{
    public string Name => "client";

    public IReadOnlyList<string> Compatible => ["client"];

    public IBoundDriver Probe(Device device) => this;
}
