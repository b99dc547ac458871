using Aperture.Core;
using Aperture.Datasheets.Nic;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Masters;

/// <summary>The ring NIC: a network card of our own with a ring of receive and a ring of transmit descriptors
/// (docs/units/nic.md).</summary>
/// <remarks>Frames are sent within the write to TX_TAIL, and stored within <see cref="OnFrame"/>. With a <see cref="MasterDevice.Pace"/>
/// the transmitter pauses after the frame that fills its slice; the receiver cannot, as the wire does not wait. Nothing is allocated by a
/// frame.</remarks>
public sealed partial class Nic : MasterDevice, IFrameSink
{
    private readonly DmaPort _receivePort;
    private readonly DmaPort _transmitPort;
    private readonly byte[] _frame = new byte[NicRegisters.MaxFrame]; // the frame that is being sent
    private uint _epoch; // grows with each reset: whoever comes back from an access or a callback sees that one happened

    /// <summary>A card.</summary>
    /// <param name="receive">The port that the receiver reaches its ring and its buffers through.</param>
    /// <param name="transmit">The same for the transmitter; null for the same port.</param>
    public Nic(DmaPort receive, DmaPort? transmit = null)
    {
        ArgumentNullException.ThrowIfNull(receive);
        _receivePort = receive;
        _transmitPort = transmit ?? receive;
    }

    /// <inheritdoc/>
    public override uint Size => NicRegisters.Size;

    /// <summary>The other end of the wire: gets what is sent; null for a loose end.</summary>
    public IFrameSink? Link { get; set; }

    /// <summary>A frame from the other end of the wire. It is lost while the receiver is off, has stopped or listens to its own
    /// transmitter.</summary>
    public void OnFrame(ReadOnlySpan<byte> frame)
    {
        if ((_control & NicControl.Loopback) == 0)
            Receive(frame);
    }

    private bool Access(DmaStatus status, Iova address, uint bits)
    {
        if (status == DmaStatus.Ok)
            return true;
        Stop(
            status switch
            {
                DmaStatus.Stalled => NicError.Stalled,
                DmaStatus.Refused => NicError.Refused,
                _ => NicError.BusError,
            },
            bits,
            address);
        return false;
    }

    private void Stop(NicError error, uint bits, Iova address)
    {
        _status = _status.Stop(error, bits);
        _faultAddress = address.Value;
        Raise(NicInterrupts.Error);
    }

    private static Iova At(ulong ring, uint count, uint size, int descriptor) => new(ring + ((count & (size - 1)) * (ulong)descriptor));
}
