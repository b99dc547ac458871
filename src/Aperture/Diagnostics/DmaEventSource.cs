using System.Diagnostics.Tracing;

namespace Aperture.Diagnostics;

/// <summary>The events of the DMA API: event source <c>Aperture-Dma</c>.</summary>
[EventSource(Name = "Aperture-Dma")]
internal sealed class DmaEventSource : EventSource
{
    public static DmaEventSource Log { get; } = new();

    /// <summary>A mapping or an allocation failed.</summary>
    [Event(1, Level = EventLevel.Warning)]
    public void MapFailed(string device, long bytes, int status) => WriteEvent(1, device, bytes, status);

    /// <summary>A pool of bounce buffers grew.</summary>
    [Event(2, Level = EventLevel.Informational)]
    public void BouncePoolGrew(long bytes) => WriteEvent(2, bytes);

    /// <summary>An IOMMU did not let an access through and reported it.</summary>
    [Event(3, Level = EventLevel.Warning)]
    public void Fault(string device, long address, string access, string reason) => WriteEvent(3, device, address, access, reason);

    /// <summary>Device addresses below 4 GiB ran out for a device, which from now on uses as many address bits.</summary>
    [Event(4, Level = EventLevel.Informational)]
    public void HighAddresses(string device, int bits) => WriteEvent(4, device, bits);

    /// <summary>The hardware of an IOMMU failed.</summary>
    [Event(5, Level = EventLevel.Error)]
    public void UnitFailed(string unit, string operation, string reason, string remedy) => WriteEvent(5, unit, operation, reason, remedy);
}
