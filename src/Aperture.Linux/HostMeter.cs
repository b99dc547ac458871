using System.Diagnostics.Metrics;

namespace Aperture.Linux;

/// <summary>The figures of devices of a host: meter <c>Aperture.Linux</c>.</summary>
internal static class HostMeter
{
    private static readonly Meter s_meter = new("Aperture.Linux");

    /// <summary>How often the kernel asked for a device.</summary>
    public static readonly Counter<long> Removals =
        s_meter.CreateCounter<long>("aperture.host.removal_requests", "{request}", "How often the kernel asked for a device that is open");

    /// <summary>How often the bus reported an error of a device's.</summary>
    public static readonly Counter<long> Errors =
        s_meter.CreateCounter<long>("aperture.host.device_errors", "{error}", "Errors of open devices that the bus reported as final");
}
