using Aperture.Core;
using Aperture.Datasheets.Nic;

namespace Aperture.Hardware.Masters;

/// <summary>The registers as software sees them.</summary>
public sealed partial class Nic
{
    private NicControl _control;
    private NicStatus _status;
    private NicInterrupts _irqEnable;
    private NicInterrupts _irqStatus;
    private ulong _receiveBase;
    private uint _receiveSize;
    private uint _receiveTail;
    private uint _receiveHead;
    private ulong _transmitBase;
    private uint _transmitSize;
    private uint _transmitTail;
    private uint _transmitHead;
    private ulong _faultAddress;
    private uint _received;
    private uint _dropped;
    private uint _sent;

    /// <inheritdoc/>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!Answers || !IsRegisterAccess(offset, width))
            return false;
        value = width == 8 ? Read32(offset) | ((ulong)Read32(offset + 4) << 32) : Read32(offset);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || !IsRegisterAccess(offset, width))
            return false;
        Write32(offset, (uint)value);
        if (width == 8)
            Write32(offset + 4, (uint)(value >> 32));
        return true;
    }

    /// <inheritdoc/>
    protected override void Reset()
    {
        _epoch++;
        CancelSlices();
        _control = NicControl.None;
        _status = default;
        _irqEnable = _irqStatus = NicInterrupts.None;
        _receiveBase = _transmitBase = _faultAddress = 0;
        _receiveSize = _receiveTail = _receiveHead = _transmitSize = _transmitTail = _transmitHead = 0;
        _received = _dropped = _sent = 0;
        UpdateInterrupt();
    }

    private static bool IsRegisterAccess(uint offset, int width) =>
        width is 4 or 8 && offset % (uint)width == 0 && offset < NicRegisters.Size && (uint)width <= NicRegisters.Size - offset;

    private static bool IsRing(uint size) => size is >= NicRegisters.MinRing and <= NicRegisters.MaxRing && (size & (size - 1)) == 0;

    private uint Read32(uint offset) => offset switch
    {
        NicRegisters.Id => NicRegisters.IdValue,
        NicRegisters.Version => NicRegisters.VersionValue,
        NicRegisters.Control => (uint)_control,
        NicRegisters.Status => _status.Value,
        NicRegisters.IrqEnable => (uint)_irqEnable,
        NicRegisters.IrqStatus => (uint)_irqStatus,
        NicRegisters.ReceiveBase => (uint)_receiveBase,
        NicRegisters.ReceiveBase + 4 => (uint)(_receiveBase >> 32),
        NicRegisters.ReceiveSize => _receiveSize,
        NicRegisters.ReceiveTail => _receiveTail,
        NicRegisters.ReceiveHead => _receiveHead,
        NicRegisters.TransmitHead => _transmitHead,
        NicRegisters.TransmitBase => (uint)_transmitBase,
        NicRegisters.TransmitBase + 4 => (uint)(_transmitBase >> 32),
        NicRegisters.TransmitSize => _transmitSize,
        NicRegisters.TransmitTail => _transmitTail,
        NicRegisters.FaultAddress => (uint)_faultAddress,
        NicRegisters.FaultAddress + 4 => (uint)(_faultAddress >> 32),
        NicRegisters.Received => _received,
        NicRegisters.Dropped => _dropped,
        NicRegisters.Sent => _sent,
        _ => 0,
    };

    private void Write32(uint offset, uint value)
    {
        switch (offset)
        {
            case NicRegisters.Control: Control((NicControl)value); break;
            case NicRegisters.IrqEnable:
                _irqEnable = (NicInterrupts)value & NicInterrupts.All;
                UpdateInterrupt();
                break;
            case NicRegisters.IrqStatus:
                _irqStatus &= ~(NicInterrupts)value;
                UpdateInterrupt();
                break;
            case NicRegisters.ReceiveBase: _receiveBase = (_receiveBase & 0xFFFF_FFFF_0000_0000) | value; break;
            case NicRegisters.ReceiveBase + 4: _receiveBase = (_receiveBase & 0xFFFF_FFFF) | ((ulong)value << 32); break;
            case NicRegisters.ReceiveSize when (_control & NicControl.Receive) == 0: _receiveSize = value; break;
            case NicRegisters.ReceiveTail: _receiveTail = value; break;
            case NicRegisters.TransmitBase: _transmitBase = (_transmitBase & 0xFFFF_FFFF_0000_0000) | value; break;
            case NicRegisters.TransmitBase + 4: _transmitBase = (_transmitBase & 0xFFFF_FFFF) | ((ulong)value << 32); break;
            case NicRegisters.TransmitSize when (_control & NicControl.Transmit) == 0: _transmitSize = value; break;
            case NicRegisters.TransmitTail:
                _transmitTail = value;
                Transmit();
                break;
        }
    }

    private void Control(NicControl value)
    {
        if ((value & NicControl.Reset) != 0)
        {
            Reset();
            return;
        }

        _control = value & (NicControl.Receive | NicControl.Transmit | NicControl.Loopback);
        if ((_control & NicControl.Receive) != 0 && !IsRing(_receiveSize))
            Stop(NicError.BadRing, NicStatus.ReceiverBit, new Iova(_receiveBase));
        if ((_control & NicControl.Transmit) != 0 && !IsRing(_transmitSize))
            Stop(NicError.BadRing, NicStatus.TransmitterBit, new Iova(_transmitBase));
        Transmit();
    }

    private void Raise(NicInterrupts interrupts)
    {
        _irqStatus |= interrupts;
        UpdateInterrupt();
    }

    private void UpdateInterrupt() => Interrupt.Set((_irqStatus & _irqEnable) != 0);
}
