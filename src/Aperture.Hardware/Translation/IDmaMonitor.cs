using Aperture.Core;

namespace Aperture.Hardware.Translation;

/// <summary>Hears of what a master does on a port, piece by piece, just before the bytes move. It must not use the port.</summary>
/// <remarks>Called on the thread of the access, and while the unit counts the access as going on: what unmaps on another thread waits for
/// it. It takes no lock under which anybody waits for a unit.</remarks>
public interface IDmaMonitor
{
    /// <summary>The master reads.</summary>
    /// <param name="port">Where.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="physical">Where the unit sends the access; of no account unless the status is <see cref="DmaStatus.Ok"/>.</param>
    /// <param name="length">Bytes, not beyond the end of a page of the unit.</param>
    /// <param name="status">What the unit said.</param>
    void OnRead(DmaPort port, Iova address, PhysicalAddress physical, int length, DmaStatus status);

    /// <summary>The master writes.</summary>
    /// <param name="port">Where.</param>
    /// <param name="address">The first byte, as the device sees it.</param>
    /// <param name="physical">Where the unit sends the access; of no account unless the status is <see cref="DmaStatus.Ok"/>.</param>
    /// <param name="data">The bytes, not beyond the end of a page of the unit.</param>
    /// <param name="status">What the unit said.</param>
    void OnWrite(DmaPort port, Iova address, PhysicalAddress physical, ReadOnlySpan<byte> data, DmaStatus status);
}
