using System.Diagnostics.Metrics;
using Aperture.Core.Addresses;
using Aperture.Dma.Bounce;
using Aperture.Iommu;

namespace Aperture.Dma.Meters;

// What is read from pools and address spaces when somebody asks.
internal static partial class DmaMeter
{
    private static readonly WeakRegister<BouncePool> s_pools = new();
    private static readonly WeakRegister<IovaSpace> s_spaces = new();

    private static readonly ObservableUpDownCounter<long> s_slots = s_meter.CreateObservableUpDownCounter("aperture.dma.bounce_slots", () => s_pools.Measure("pool", pool => (long)pool.UsedSlots), "{slot}", "Slots of 2 KiB of bounce buffers in use");
    private static readonly ObservableUpDownCounter<long> s_pooled = s_meter.CreateObservableUpDownCounter("aperture.dma.bounce_pool_bytes", () => s_pools.Measure("pool", pool => pool.TotalBytes), "By", "Bytes of all slots of bounce buffers");
    private static readonly ObservableUpDownCounter<long> s_addresses = s_meter.CreateObservableUpDownCounter("aperture.dma.iova_used", () => s_spaces.Measure("space", space => (long)space.UsedBytes), "By", "Device addresses given out or reserved");
    private static readonly ObservableGauge<double> s_fragmentation = s_meter.CreateObservableGauge("aperture.dma.iova_fragmentation", () => s_spaces.Measure("space", space => space.Fragmentation), "1", "Part of the free device addresses that lies in no free block of 512 pages");

    private static readonly Counter<long> s_faults = s_meter.CreateCounter<long>("aperture.dma.faults", "{fault}", "Accesses that an IOMMU did not let through and reported");

    private static readonly Counter<long> s_unitFailures = s_meter.CreateCounter<long>("aperture.iommu.failures", "{failure}", "Failures of an IOMMU's hardware: register accesses without an answer, handshakes that did not end");
    private static readonly ObservableUpDownCounter<long> s_quarantine = s_meter.CreateObservableUpDownCounter("aperture.iommu.quarantined_bytes", () => Volatile.Read(ref s_quarantinedBytes), "By", "Device addresses that were unmapped and that a failed IOMMU may still use");
    private static long s_quarantinedBytes;

    /// <summary>Device addresses went into quarantine, or came out of it (negative).</summary>
    public static void Quarantined(long bytes) => Interlocked.Add(ref s_quarantinedBytes, bytes);

    public static void UnitFailed(UnitFailure failure)
    {
        s_unitFailures.Add(1);
        if (DmaEventSource.Log.IsEnabled())
            DmaEventSource.Log.UnitFailed(failure.Unit.Name, failure.Operation.ToString(), failure.Reason, failure.Remedy.ToString());
    }

    /// <summary>From now on the pool is seen by who listens, under this name and a number, as long as it lives.</summary>
    /// <returns>Name and number.</returns>
    public static string Watch(BouncePool pool, string name) => s_pools.Add(pool, name);

    /// <summary>The same for the device addresses of a domain.</summary>
    /// <returns>Name and number.</returns>
    public static string Watch(IovaSpace space, string name) => s_spaces.Add(space, name);

    public static void Faulted(in FaultReport report)
    {
        s_faults.Add(1);
        if (DmaEventSource.Log.IsEnabled())
            DmaEventSource.Log.Fault(report.Device?.Name ?? report.Unit.Name, (long)report.Address.Value, report.Access.ToString(), report.Reason.ToString());
    }
}
