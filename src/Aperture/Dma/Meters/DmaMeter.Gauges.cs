using System.Diagnostics.Metrics;
using Aperture.Dma.Bounce;
using Aperture.Iommu;

namespace Aperture.Dma.Meters;

// What is read from pools and address spaces when somebody asks.
internal static partial class DmaMeter
{
    private static readonly WeakRegister<BouncePool> s_pools = new(pool => !pool.IsClosed);
    private static readonly WeakRegister<IommuDomain> s_spaces = new(domain => domain.Space is not null);

    private static readonly ObservableUpDownCounter<long> s_slots =
        s_meter.CreateObservableUpDownCounter("aperture.dma.bounce_slots", () => s_pools.Measure("pool", pool => (long)pool.UsedSlots),
        "{slot}", "Slots of 2 KiB of bounce buffers in use");
    private static readonly ObservableUpDownCounter<long> s_pooled =
        s_meter.CreateObservableUpDownCounter("aperture.dma.bounce_pool_bytes", () => s_pools.Measure("pool", pool => pool.TotalBytes),
        "By", "Bytes of all slots of bounce buffers");
    private static readonly ObservableUpDownCounter<long> s_addresses =
        s_meter.CreateObservableUpDownCounter("aperture.dma.iova_used",
        () => s_spaces.Measure("space", domain => (long)(domain.Space?.UsedBytes ?? 0)), "By", "Device addresses given out or reserved");
    private static readonly ObservableGauge<double> s_fragmentation =
        s_meter.CreateObservableGauge("aperture.dma.iova_fragmentation",
        () => s_spaces.Measure("space", domain => domain.Space?.Fragmentation ?? 0), "1",
        "Part of the free device addresses that lies in no free block of 512 pages");

    /// <summary>From now on the pool is seen by who listens, under this name or one with a number, until it is closed or nobody holds
    /// it.</summary>
    /// <returns>Its name.</returns>
    public static string Watch(BouncePool pool, string name) => s_pools.Add(pool, name);

    /// <summary>The same for the device addresses of a domain, until it is disposed.</summary>
    /// <returns>Its name.</returns>
    public static string Watch(IommuDomain domain, string name) => s_spaces.Add(domain, name);
}
