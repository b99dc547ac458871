using Aperture.Core;
using Aperture.Datasheets.Rockchip;

namespace Aperture.Hardware.Rockchip;

/// <content>The registers as software sees them, and the commands.</content>
public sealed partial class RockchipMmu
{
    private RockchipMmuStatus _status;
    private uint _tableBase;
    private uint _faultAddress;
    private uint _autoGating;
    private RockchipMmuInterrupts _raw;
    private RockchipMmuInterrupts _mask;
    private int _stallPolls; // reads of STATUS until a stall that was asked for is granted; negative: never; 0: none was
    private Mode _mode;      // what happens to an access

    private enum Mode : byte
    {
        PassingThrough,
        Translating,
        Held,
    }

    /// <summary>What raises the interrupt.</summary>
    internal RockchipMmuInterrupts Pending => _raw & _mask;

    /// <inheritdoc/>
    public bool TryRead(uint offset, int width, out ulong value)
    {
        using (_unit.HoldRegisters())
            return TryReadRegister(offset, width, out value);
    }

    /// <inheritdoc/>
    public bool TryWrite(uint offset, int width, ulong value)
    {
        using (_unit.HoldRegisters())
            return TryWriteRegister(offset, width, value);
    }

    /// <summary>Reads a register; under the lock.</summary>
    internal bool TryReadRegister(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!_unit.Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        value = offset switch
        {
            RockchipMmuRegister.TableBase => LosesTableBase ? 0 : _tableBase,
            RockchipMmuRegister.Status => ReadStatus(),
            RockchipMmuRegister.FaultAddress => _faultAddress,
            RockchipMmuRegister.RawStatus => (uint)_raw,
            RockchipMmuRegister.InterruptMask => (uint)_mask,
            RockchipMmuRegister.InterruptStatus => (uint)Pending,
            RockchipMmuRegister.AutoGating => _autoGating,
            _ => 0,
        };
        return true;
    }

    /// <summary>Writes a register; under the lock.</summary>
    internal bool TryWriteRegister(uint offset, int width, ulong value)
    {
        if (!_unit.Answers || width != 4 || offset % 4 != 0 || offset >= Size)
            return false;
        Write(offset, (uint)value);
        return true;
    }

    /// <summary>Sets a register as hardware does by itself: a fault that some other model found, state lost with the power.</summary>
    /// <param name="offset">Byte offset of a register that can be read.</param>
    /// <param name="value">What it reads from now on.</param>
    /// <exception cref="ApertureException">There is no such register.</exception>
    public void Poke(uint offset, uint value)
    {
        using (_unit.HoldRegisters())
        {
            Set(offset, value);
            UpdateMode();
            _unit.UpdateInterrupt();
            _unit.EndAccesses();
        }
    }

    private void Set(uint offset, uint value)
    {
        switch (offset)
        {
            case RockchipMmuRegister.TableBase:
                _tableBase = value;
                break;
            case RockchipMmuRegister.Status:
                _status = new RockchipMmuStatus(value);
                _stallPolls = 0;
                break;
            case RockchipMmuRegister.FaultAddress:
                _faultAddress = value;
                break;
            case RockchipMmuRegister.RawStatus:
                _raw = (RockchipMmuInterrupts)value;
                break;
            case RockchipMmuRegister.InterruptMask:
                _mask = (RockchipMmuInterrupts)value;
                break;
            case RockchipMmuRegister.AutoGating:
                _autoGating = value;
                break;
            default:
                throw new ApertureException(Status.InvalidArgument, $"a Rockchip MMU has nothing to set at 0x{offset:x}");
        }
    }

    private void Write(uint offset, uint value)
    {
        switch (offset)
        {
            case RockchipMmuRegister.TableBase:
                _tableBase = value;
                _unit.EndAccesses();
                break;
            case RockchipMmuRegister.Command:
                var before = _mode;
                Execute((RockchipMmuCommand)value);
                EndAccessesUnlessStalled(before);
                break;
            case RockchipMmuRegister.ZapLine:
                ZapLine(value);
                break;
            case RockchipMmuRegister.InterruptClear:
                _raw &= ~(RockchipMmuInterrupts)value;
                _unit.UpdateInterrupt();
                break;
            case RockchipMmuRegister.InterruptMask:
                _mask = (RockchipMmuInterrupts)value & RockchipMmuInterrupts.All;
                _unit.UpdateInterrupt();
                break;
            case RockchipMmuRegister.AutoGating:
                _autoGating = value;
                break;
        }
    }

    private void Execute(RockchipMmuCommand command)
    {
        switch (command)
        {
            case RockchipMmuCommand.EnablePaging:
                Change(RockchipMmuStatus.PagingBit, RockchipMmuStatus.PagingBit);
                break;
            case RockchipMmuCommand.DisablePaging:
                Change(RockchipMmuStatus.PagingBit, 0);
                break;
            case RockchipMmuCommand.EnableStall when !_status.IsStalled && StallDelayPolls != 0:
                _stallPolls = StallDelayPolls;
                break;
            case RockchipMmuCommand.EnableStall:
                Change(RockchipMmuStatus.StallBit, RockchipMmuStatus.StallBit);
                break;
            case RockchipMmuCommand.DisableStall:
                _stallPolls = 0;
                Change(RockchipMmuStatus.StallBit, 0);
                break;
            case RockchipMmuCommand.ZapCache:
                Zap();
                break;
            case RockchipMmuCommand.PageFaultDone:
                Change(RockchipMmuStatus.FaultMask, 0);
                break;
            case RockchipMmuCommand.ForceReset:
                ForceReset();
                break;
        }
    }

    private void ForceReset()
    {
        _tableBase = 0;
        _mask = RockchipMmuInterrupts.None;
        if (_unit.Options.ResetClearsInterrupts)
            _raw = RockchipMmuInterrupts.None;
        _status = new RockchipMmuStatus(_unit.Options.ResetStatus);
        _stallPolls = 0;
        Zap();
        UpdateMode();
        _unit.UpdateInterrupt();
    }

    private uint ReadStatus()
    {
        if (_stallPolls > 0 && --_stallPolls == 0)
        {
            var before = _mode;
            Change(RockchipMmuStatus.StallBit, RockchipMmuStatus.StallBit);
            EndAccessesUnlessStalled(before);
        }

        return _status.Value;
    }

    /// <summary>Accesses go elsewhere, or nowhere, from now on; when they were stalled there are none.</summary>
    private void EndAccessesUnlessStalled(Mode before)
    {
        if (before != _mode && before != Mode.Held)
            _unit.EndAccesses();
    }

    private void Change(uint mask, uint bits)
    {
        _status = new RockchipMmuStatus((_status.Value & ~mask) | bits);
        UpdateMode();
    }

    private void UpdateMode()
    {
        _mode = _status.IsStalled || _status is { IsPaging: true, IsFaulting: true } ? Mode.Held
            : _status.IsPaging ? Mode.Translating
            : Mode.PassingThrough;
        _unit.UpdateRoutes();
    }
}
