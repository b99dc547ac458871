using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Sanitizer;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Wiring;

/// <summary>Tells a sanitizer what a device does on its ports.</summary>
/// <param name="sanitizer">The machine's sanitizer.</param>
/// <param name="device">Whose ports they are.</param>
internal sealed class PortMonitor(DmaSanitizer sanitizer, Device device) : IDmaMonitor
{
    public void OnRead(DmaPort port, Iova address, PhysicalAddress physical, int length, DmaStatus status) =>
        sanitizer.OnRead(device, address, physical, length, OutcomeOf(status), port.IsCoherent);

    public void OnWrite(DmaPort port, Iova address, PhysicalAddress physical, ReadOnlySpan<byte> data, DmaStatus status) =>
        sanitizer.OnWrite(device, address, physical, data, OutcomeOf(status), port.IsCoherent);

    private static AccessOutcome OutcomeOf(DmaStatus status) => status switch
    {
        DmaStatus.Ok => AccessOutcome.Done,
        DmaStatus.BusError => AccessOutcome.NoMemory,
        _ => AccessOutcome.Refused,
    };
}
