using Aperture.Datasheets.DmaMaster;

namespace Aperture.Hardware.Masters;

/// <summary>The registers as software sees them.</summary>
public sealed partial class DmaMaster
{
    private uint _port;
    private ulong _source;
    private ulong _destination;
    private ulong _length;
    private ulong _seed;
    private ulong _position;
    private uint _sourceCount;
    private uint _destinationCount;
    private DmaMasterCommand _command;      // the last one started
    private DmaMasterStatus _status;
    private DmaMasterInterrupts _irqEnable;
    private DmaMasterInterrupts _irqStatus;
    private uint _difference;
    private ulong _faultAddress;
    private ulong _bytesDone;
    private ulong _checksum;

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
        _abort = true;
        CancelSlices();
        _port = _sourceCount = _destinationCount = _difference = 0;
        _source = _destination = _length = _seed = _position = 0;
        _faultAddress = _bytesDone = _checksum = 0;
        _command = DmaMasterCommand.None;
        _status = default;
        _irqEnable = _irqStatus = DmaMasterInterrupts.None;
        UpdateInterrupt();
    }

    private bool IsRegisterAccess(uint offset, int width) =>
        width is 4 or 8 && offset % (uint)width == 0 && offset < Size && (uint)width <= Size - offset;

    private uint Read32(uint offset) => offset switch
    {
        DmaMasterRegisters.Id => DmaMasterRegisters.IdValue,
        DmaMasterRegisters.Version => DmaMasterRegisters.VersionValue,
        DmaMasterRegisters.Ports => (uint)_ports.Length,
        DmaMasterRegisters.Port => _port,
        DmaMasterRegisters.Source => (uint)_source,
        DmaMasterRegisters.Source + 4 => (uint)(_source >> 32),
        DmaMasterRegisters.Destination => (uint)_destination,
        DmaMasterRegisters.Destination + 4 => (uint)(_destination >> 32),
        DmaMasterRegisters.Length => (uint)_length,
        DmaMasterRegisters.Length + 4 => (uint)(_length >> 32),
        DmaMasterRegisters.Seed => (uint)_seed,
        DmaMasterRegisters.Seed + 4 => (uint)(_seed >> 32),
        DmaMasterRegisters.Position => (uint)_position,
        DmaMasterRegisters.Position + 4 => (uint)(_position >> 32),
        DmaMasterRegisters.SourceCount => _sourceCount,
        DmaMasterRegisters.DestinationCount => _destinationCount,
        DmaMasterRegisters.Command => (uint)_command,
        DmaMasterRegisters.Status => _status.Value,
        DmaMasterRegisters.IrqEnable => (uint)_irqEnable,
        DmaMasterRegisters.IrqStatus => (uint)_irqStatus,
        DmaMasterRegisters.Difference => _difference,
        DmaMasterRegisters.FaultAddress => (uint)_faultAddress,
        DmaMasterRegisters.FaultAddress + 4 => (uint)(_faultAddress >> 32),
        DmaMasterRegisters.BytesDone => (uint)_bytesDone,
        DmaMasterRegisters.BytesDone + 4 => (uint)(_bytesDone >> 32),
        DmaMasterRegisters.Checksum => (uint)_checksum,
        DmaMasterRegisters.Checksum + 4 => (uint)(_checksum >> 32),
        _ => 0,
    };

    private void Write32(uint offset, uint value)
    {
        switch (offset)
        {
            case DmaMasterRegisters.Port: _port = value & 0xFFFF; break;
            case DmaMasterRegisters.Source: SetLow(ref _source, value); break;
            case DmaMasterRegisters.Source + 4: SetHigh(ref _source, value); break;
            case DmaMasterRegisters.Destination: SetLow(ref _destination, value); break;
            case DmaMasterRegisters.Destination + 4: SetHigh(ref _destination, value); break;
            case DmaMasterRegisters.Length: SetLow(ref _length, value); break;
            case DmaMasterRegisters.Length + 4: SetHigh(ref _length, value); break;
            case DmaMasterRegisters.Seed: SetLow(ref _seed, value); break;
            case DmaMasterRegisters.Seed + 4: SetHigh(ref _seed, value); break;
            case DmaMasterRegisters.Position: SetLow(ref _position, value); break;
            case DmaMasterRegisters.Position + 4: SetHigh(ref _position, value); break;
            case DmaMasterRegisters.SourceCount: _sourceCount = value; break;
            case DmaMasterRegisters.DestinationCount: _destinationCount = value; break;
            case DmaMasterRegisters.Command: Start((DmaMasterCommand)value); break;
            case DmaMasterRegisters.Control: Control(value); break;
            case DmaMasterRegisters.IrqEnable:
                _irqEnable = (DmaMasterInterrupts)value & DmaMasterInterrupts.All;
                UpdateInterrupt();
                break;
            case DmaMasterRegisters.IrqStatus:
                _irqStatus &= ~(DmaMasterInterrupts)value;
                UpdateInterrupt();
                break;
        }
    }

    private static void SetLow(ref ulong register, uint value) => register = (register & 0xFFFF_FFFF_0000_0000) | value;

    private static void SetHigh(ref ulong register, uint value) => register = (register & 0xFFFF_FFFF) | ((ulong)value << 32);

    private void Raise(DmaMasterInterrupts interrupts)
    {
        _irqStatus |= interrupts;
        UpdateInterrupt();
    }

    private void UpdateInterrupt() => Interrupt.Set((_irqStatus & _irqEnable) != 0);
}
