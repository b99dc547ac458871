using Aperture.Datasheets.Sd;

namespace Aperture.Hardware.Masters;

/// <summary>The registers as software sees them.</summary>
public sealed partial class SdHost
{
    private const int MaxLinks = 1 << 16; // descriptors without data that are followed before the table counts as endless

    private readonly uint[] _response = new uint[4];
    private uint _block;
    private uint _argument;
    private SdhciTransferMode _mode;
    private uint _command;     // the last one
    private uint _hostControl;
    private uint _clock;
    private SdhciInterrupts _status;
    private SdhciInterrupts _enable;
    private SdhciInterrupts _signal;
    private uint _admaError;
    private uint _admaAddress;

    /// <inheritdoc/>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        value = Read(offset);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        Write(offset, (uint)value);
        return true;
    }

    /// <inheritdoc/>
    protected override void Reset()
    {
        EndTransfer();
        Array.Clear(_response);
        _block = _argument = _command = _hostControl = _clock = _admaError = _admaAddress = 0;
        _mode = SdhciTransferMode.None;
        _status = _enable = _signal = SdhciInterrupts.None;
        Card?.PowerCycle();
        UpdateInterrupt();
    }

    private uint Read(uint offset) => offset switch
    {
        SdhciRegisters.Block => _block,
        SdhciRegisters.Argument => _argument,
        SdhciRegisters.Command => (uint)_mode | (_command << 16),
        >= SdhciRegisters.Response and < SdhciRegisters.Response + 16 => _response[(offset - SdhciRegisters.Response) / 4],
        SdhciRegisters.PresentState => (Card is null ? 0 : SdhciRegisters.CardInserted) | (_isTransferring ? SdhciRegisters.DataInUse : 0),
        SdhciRegisters.HostControl => _hostControl,
        SdhciRegisters.ClockControl => _clock | ((_clock & SdhciRegisters.InternalClock) != 0 ? SdhciRegisters.ClockStable : 0),
        SdhciRegisters.InterruptStatus => (uint)_status,
        SdhciRegisters.InterruptEnable => (uint)_enable,
        SdhciRegisters.SignalEnable => (uint)_signal,
        SdhciRegisters.Capabilities => SdhciRegisters.CanAdma2 | SdhciRegisters.Can33 | (50 << 8),
        SdhciRegisters.AdmaError => _admaError,
        SdhciRegisters.AdmaAddress => _admaAddress,
        SdhciRegisters.Version => SdhciRegisters.Version300,
        _ => 0,
    };

    private void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case SdhciRegisters.Block: _block = value & 0xFFFF_0FFF; break;
            case SdhciRegisters.Argument: _argument = value; break;
            case SdhciRegisters.Command:
                _mode = (SdhciTransferMode)(value & 0x3F);
                _command = value >> 16;
                Execute(new SdhciCommand(_command));
                break;
            case SdhciRegisters.HostControl:
                if ((_hostControl & ~value & SdhciRegisters.BusPower) != 0)
                    Card?.PowerCycle();
                _hostControl = value & (SdhciRegisters.DmaSelectMask | SdhciRegisters.BusPower | SdhciRegisters.Voltage33);
                break;
            case SdhciRegisters.ClockControl when (value & SdhciRegisters.ResetAll) != 0: Reset(); break;
            case SdhciRegisters.ClockControl:
                if ((value & (SdhciRegisters.ResetCommand | SdhciRegisters.ResetData)) != 0)
                    Clear(value);
                _clock = value & (SdhciRegisters.InternalClock | SdhciRegisters.CardClock);
                break;
            case SdhciRegisters.InterruptStatus:
                _status &= ~(SdhciInterrupts)value;
                UpdateInterrupt();
                break;
            case SdhciRegisters.InterruptEnable:
                _enable = (SdhciInterrupts)value & SdhciInterrupts.All;
                break;
            case SdhciRegisters.SignalEnable:
                _signal = (SdhciInterrupts)value & SdhciInterrupts.All;
                UpdateInterrupt();
                break;
            case SdhciRegisters.AdmaAddress: _admaAddress = value; break;
        }
    }

    /// <summary>Resets a line: what it was doing ends, and its bits of the status go.</summary>
    private void Clear(uint lines)
    {
        EndTransfer();
        if ((lines & SdhciRegisters.ResetCommand) != 0)
            _status &= ~SdhciInterrupts.CommandComplete;
        if ((lines & SdhciRegisters.ResetData) != 0)
            _status &= ~(SdhciInterrupts.TransferComplete | SdhciInterrupts.Dma);
        UpdateInterrupt();
    }

    /// <summary>Whatever moved data does not go on.</summary>
    private void EndTransfer()
    {
        _epoch++;
        _isTransferring = false;
        CancelSlices();
    }

    private void Raise(SdhciInterrupts interrupts)
    {
        _status |= interrupts & (_enable | SdhciInterrupts.Error);
        UpdateInterrupt();
    }

    private void UpdateInterrupt() => Interrupt.Set((_status & _signal) != 0);
}
