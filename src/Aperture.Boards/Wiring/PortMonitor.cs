using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma.Sanitizer;
using Aperture.Hardware.Masters;
using Aperture.Hardware.Translation;

namespace Aperture.Boards.Wiring;

/// <summary>Tells a sanitizer what a device does on its ports.</summary>
/// <param name="sanitizer">The machine's sanitizer.</param>
/// <param name="device">Whose ports they are.</param>
internal sealed class PortMonitor(DmaSanitizer sanitizer, Device device) : IDmaMonitor
{
    private MasterDevice[] _masters = []; // who may use the port

    /// <summary>Says who uses the port, too.</summary>
    public void Add(MasterDevice master) => _masters = [.. _masters, master];

    public void OnRead(DmaPort port, Iova address, PhysicalAddress physical, int length, DmaStatus status)
    {
        CheckMasters(address, length);
        sanitizer.OnRead(device, address, physical, length, OutcomeOf(status), port.IsCoherent);
    }

    public void OnWrite(DmaPort port, Iova address, PhysicalAddress physical, ReadOnlySpan<byte> data, DmaStatus status)
    {
        CheckMasters(address, data.Length);
        sanitizer.OnWrite(device, address, physical, data, OutcomeOf(status), port.IsCoherent);
    }

    /// <summary>Somebody does DMA on the port: one of its masters at least must be able to.</summary>
    private void CheckMasters(Iova address, int length)
    {
        foreach (var master in _masters)
        {
            if (master.Answers)
                return;
        }

        if (_masters is [var dead, ..])
            sanitizer.OnDead(device, address, length,
                !dead.IsPowered ? "its power was off" : dead.IsInReset ? "it was in reset" : "its clock was off");
    }

    private static AccessOutcome OutcomeOf(DmaStatus status) => status switch
    {
        DmaStatus.Ok => AccessOutcome.Done,
        DmaStatus.BusError => AccessOutcome.NoMemory,
        _ => AccessOutcome.Refused,
    };
}
