using System.Diagnostics.Metrics;
using Aperture.Core.Addresses;
using Aperture.Dma.Bounce;

namespace Aperture.Dma.Meters;

// What is read from pools and address spaces when somebody asks.
internal static partial class DmaMeter
{
    private static readonly WeakRegister<BouncePool> s_pools = new();
    private static readonly WeakRegister<IovaSpace> s_spaces = new();

    private static readonly ObservableUpDownCounter<long> s_slots =
        s_meter.CreateObservableUpDownCounter("aperture.dma.bounce_slots", () => s_pools.Measure("pool", pool => (long)pool.UsedSlots),
        "{slot}", "Slots of 2 KiB of bounce buffers in use");
    private static readonly ObservableUpDownCounter<long> s_pooled =
        s_meter.CreateObservableUpDownCounter("aperture.dma.bounce_pool_bytes", () => s_pools.Measure("pool", pool => pool.TotalBytes),
        "By", "Bytes of all slots of bounce buffers");
    private static readonly ObservableUpDownCounter<long> s_addresses =
        s_meter.CreateObservableUpDownCounter("aperture.dma.iova_used", () => s_spaces.Measure("space", space => (long)space.UsedBytes),
        "By", "Device addresses given out or reserved");
    private static readonly ObservableGauge<double> s_fragmentation =
        s_meter.CreateObservableGauge("aperture.dma.iova_fragmentation", () => s_spaces.Measure("space", space => space.Fragmentation),
        "1", "Part of the free device addresses that lies in no free block of 512 pages");

    /// <summary>From now on the pool is seen by who listens, under this name and a number, as long as it lives.</summary>
    /// <returns>Name and number.</returns>
    public static string Watch(BouncePool pool, string name) => s_pools.Add(pool, name);

    /// <summary>The same for the device addresses of a domain.</summary>
    /// <returns>Name and number.</returns>
    public static string Watch(IovaSpace space, string name) => s_spaces.Add(space, name);
}
