using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Aperture.Core;
using Aperture.Diagnostics;

namespace Aperture.Dma.Meters;

/// <summary>The figures of the DMA API: meter <c>Aperture.Dma</c>. What costs nothing is read when somebody asks; the rest is counted only
/// while somebody listens.</summary>
internal static partial class DmaMeter
{
    private static readonly Meter s_meter = new("Aperture.Dma");
    private static readonly Counter<long> s_maps = s_meter.CreateCounter<long>("aperture.dma.maps", "{mapping}", "Streaming mappings made");
    private static readonly Counter<long> s_bytes =
        s_meter.CreateCounter<long>("aperture.dma.mapped_bytes", "By", "Bytes of streaming mappings made");
    private static readonly UpDownCounter<long> s_live =
        s_meter.CreateUpDownCounter<long>("aperture.dma.live_mappings", "{mapping}",
        "Streaming mappings that were made since somebody listens and have not ended");
    private static readonly Counter<long> s_bounced =
        s_meter.CreateCounter<long>("aperture.dma.bounced_bytes", "By", "Bytes copied between memory and bounce buffers");
    private static readonly Counter<long> s_flushes =
        s_meter.CreateCounter<long>("aperture.dma.flushes", "{flush}", "Invalidations that ended deferred unmaps");
    private static readonly Counter<long> s_failures =
        s_meter.CreateCounter<long>("aperture.dma.failures", "{call}", "Mappings and allocations that failed");

    /// <summary>Whether mappings are counted.</summary>
    public static bool IsOn
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_maps.Enabled | s_live.Enabled | s_bytes.Enabled;
    }

    public static void Mapped(ulong bytes)
    {
        s_maps.Add(1);
        s_bytes.Add((long)bytes);
        s_live.Add(1);
    }

    public static void Unmapped() => s_live.Add(-1);

    public static void Bounced(ulong bytes) => s_bounced.Add((long)bytes);

    public static void Flushed() => s_flushes.Add(1);

    public static void Failed(DmaContext context, ulong bytes, Status status, DmaAttributes attributes)
    {
        s_failures.Add(1);
        if (DmaEventSource.Log.IsEnabled() && (attributes & DmaAttributes.NoWarn) == 0)
            DmaEventSource.Log.MapFailed(context.DeviceName, (long)bytes, (int)status);
    }
}
