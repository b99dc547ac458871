using System.Diagnostics.Metrics;
using Aperture.Diagnostics;

namespace Aperture.Iommu;

/// <summary>The figures of IOMMUs: meter <c>Aperture.Iommu</c>.</summary>
internal static class IommuMeter
{
    private static readonly Meter s_meter = new("Aperture.Iommu");
    private static readonly Counter<long> s_faults = s_meter.CreateCounter<long>(
        "aperture.iommu.faults", "{fault}", "Accesses that an IOMMU did not let through and reported");
    private static readonly Counter<long> s_failures = s_meter.CreateCounter<long>(
        "aperture.iommu.failures", "{failure}",
        "Failures of an IOMMU's hardware: register accesses without an answer, handshakes that did not end");
    private static readonly ObservableUpDownCounter<long> s_quarantine = s_meter.CreateObservableUpDownCounter(
        "aperture.iommu.quarantined_bytes", () => Volatile.Read(ref s_quarantinedBytes), "By",
        "Device addresses that were unmapped and that a failed IOMMU may still use");
    private static long s_quarantinedBytes;

    public static void Faulted(in FaultReport report)
    {
        s_faults.Add(1);
        if (DmaEventSource.Log.IsEnabled())
        {
            DmaEventSource.Log.Fault(report.Device?.Name ?? report.Unit.Name, (long)report.Address.Value, report.Access.ToString(),
                report.Reason.ToString());
        }
    }

    public static void Failed(UnitFailure failure)
    {
        s_failures.Add(1);
        if (DmaEventSource.Log.IsEnabled())
            DmaEventSource.Log.UnitFailed(failure.Unit.Name, failure.Operation.ToString(), failure.Reason, failure.Remedy.ToString());
    }

    /// <summary>Device addresses went into quarantine, or came out of it (negative).</summary>
    public static void Quarantined(long bytes) => Interlocked.Add(ref s_quarantinedBytes, bytes);
}
