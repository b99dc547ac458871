using System.Buffers.Binary;
using Aperture.Core;
using Aperture.Datasheets.Nic;

namespace Aperture.Hardware.Masters;

/// <summary>The two engines: between the rings and the wire.</summary>
public sealed partial class Nic
{
    private bool _transmitting; // the transmitter is on the stack: a write to TX_TAIL comes from below it

    private void Receive(ReadOnlySpan<byte> frame)
    {
        if (!Answers || (_control & NicControl.Receive) == 0 || _status.ReceiverStopped)
            return;
        if (_receiveHead == _receiveTail)
        {
            Drop();
            return;
        }

        var epoch = _epoch;
        var at = At(_receiveBase, _receiveHead, _receiveSize, NicReceiveDescriptor.Size);
        Span<byte> bytes = stackalloc byte[NicReceiveDescriptor.Size];
        var status = _receivePort.Read(at, bytes, out var count);
        if (epoch != _epoch || !Access(status, at + (uint)count, NicStatus.ReceiverBit | NicStatus.DescriptorBit))
            return;
        var descriptor = NicReceiveDescriptor.Read(bytes);
        if ((uint)frame.Length > descriptor.Capacity)
        {
            Drop();
            return;
        }

        status = _receivePort.Write(new Iova(descriptor.Address), frame, out count);
        if (epoch != _epoch || !Access(status, new Iova(descriptor.Address) + (uint)count, NicStatus.ReceiverBit | NicStatus.WriteBit))
            return;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, NicReceiveDescriptor.Done | (uint)frame.Length);
        at += NicReceiveDescriptor.StatusOffset;
        status = _receivePort.Write(at, bytes[..sizeof(uint)], out count);
        if (epoch != _epoch || !Access(status, at + (uint)count, NicStatus.ReceiverBit | NicStatus.DescriptorBit | NicStatus.WriteBit))
            return;
        _receiveHead++;
        _received++;
        Raise(NicInterrupts.Received);
    }

    private void Drop()
    {
        _dropped++;
        Raise(NicInterrupts.Dropped);
    }

    /// <inheritdoc/>
    protected override void GoOn() => Transmit();

    private void Transmit()
    {
        if (_transmitting || IsPaused)
            return; // the loop below us, or the next slice, sees the new tail
        BeginSlice();
        _transmitting = true;
        while (Answers && (_control & NicControl.Transmit) != 0 && !_status.TransmitterStopped && _transmitHead != _transmitTail
            && TransmitFrame(out var length) && !(_transmitHead != _transmitTail && EndsSlice(length)))
        {
        }

        _transmitting = false;
    }

    /// <returns>Whether to look for the next one.</returns>
    private bool TransmitFrame(out int length)
    {
        var epoch = _epoch;
        if (!Gather(epoch, out var next, out length))
            return false;
        Span<byte> flags = stackalloc byte[sizeof(uint)];
        for (var at = _transmitHead; at != next; at++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(flags, NicTransmitDescriptor.Done | (at + 1 == next ? NicTransmitDescriptor.End : 0));
            var place = At(_transmitBase, at, _transmitSize, NicTransmitDescriptor.Size) + NicTransmitDescriptor.FlagsOffset;
            var status = _transmitPort.Write(place, flags, out var count);
            const uint bits = NicStatus.TransmitterBit | NicStatus.DescriptorBit | NicStatus.WriteBit;
            if (epoch != _epoch || !Access(status, place + (uint)count, bits))
                return false;
        }

        _transmitHead = next;
        _sent++;
        if ((_control & NicControl.Loopback) != 0)
            Receive(_frame.AsSpan(0, length));
        else
            Link?.OnFrame(_frame.AsSpan(0, length));
        if (epoch != _epoch)
            return false;
        Raise(NicInterrupts.Sent);
        return epoch == _epoch;
    }

    /// <summary>Takes the fragments of the next frame together. False when it is not all there yet, or something went wrong.</summary>
    private bool Gather(uint epoch, out uint next, out int length)
    {
        length = 0;
        Span<byte> bytes = stackalloc byte[NicTransmitDescriptor.Size];
        for (next = _transmitHead; next != _transmitTail;)
        {
            var at = At(_transmitBase, next, _transmitSize, NicTransmitDescriptor.Size);
            var status = _transmitPort.Read(at, bytes, out var count);
            if (epoch != _epoch || !Access(status, at + (uint)count, NicStatus.TransmitterBit | NicStatus.DescriptorBit))
                return false;
            var descriptor = NicTransmitDescriptor.Read(bytes);
            if (descriptor.Length == 0 || descriptor.Length > (uint)(_frame.Length - length))
            {
                Stop(NicError.BadFrame, NicStatus.TransmitterBit | NicStatus.DescriptorBit, at);
                return false;
            }

            status = _transmitPort.Read(new Iova(descriptor.Address), _frame.AsSpan(length, (int)descriptor.Length), out count);
            if (epoch != _epoch || !Access(status, new Iova(descriptor.Address) + (uint)count, NicStatus.TransmitterBit))
                return false;
            length += (int)descriptor.Length;
            next++;
            if (descriptor.IsEnd)
                return true;
        }

        return false;
    }
}
