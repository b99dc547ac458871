using Aperture.DeviceTrees;

namespace Aperture.Tests.DeviceTrees;

internal static class WriterExtensions
{
    public static DeviceTreeWriter Flag(this DeviceTreeWriter writer, string name) => writer.Property(name);
}
