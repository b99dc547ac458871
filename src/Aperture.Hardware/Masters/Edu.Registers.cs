using Aperture.Datasheets.Edu;

namespace Aperture.Hardware.Masters;

/// <summary>The registers as software sees them, and the interrupt.</summary>
public sealed partial class Edu
{
    private uint _liveness;        // as it reads
    private uint _factorial;       // the number, or the result
    private bool _computing;
    private bool _factorialIrq;    // raise an interrupt when the factorial is done
    private uint _interruptStatus;
    private ulong _source;
    private ulong _destination;
    private ulong _count;
    private EduDmaCommand _command;

    /// <inheritdoc/>
    public override bool TryRead(uint offset, int width, out ulong value)
    {
        value = 0;
        if (!Answers || !IsRegisterAccess(offset, width))
            return false;
        var register = offset >= EduRegisters.DmaSource ? offset & ~7u : offset;
        value = register switch
        {
            EduRegisters.Identification => EduIdentification.Version10.Value,
            EduRegisters.Liveness => _liveness,
            EduRegisters.Factorial => _factorial,
            EduRegisters.Status => (_computing ? EduStatus.Computing : 0) | (_factorialIrq ? EduStatus.InterruptOnFactorial : 0),
            EduRegisters.InterruptStatus => _interruptStatus,
            EduRegisters.DmaSource => _source,
            EduRegisters.DmaDestination => _destination,
            EduRegisters.DmaCount => _count,
            EduRegisters.DmaCommand => (uint)_command,
            _ => _options.AbsentValue,
        };
        if (width == 4)
            value = (uint)(value >> (int)((offset - register) * 8));
        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(uint offset, int width, ulong value)
    {
        if (!Answers || !IsRegisterAccess(offset, width))
            return false;
        if (offset >= EduRegisters.DmaSource)
            WriteDma(offset, width, value);
        else
            Write32(offset, (uint)value);
        return true;
    }

    /// <inheritdoc/>
    protected override void Reset()
    {
        StopTimers();
        Array.Clear(_buffer);
        _liveness = _factorial = _interruptStatus = 0;
        _computing = _factorialIrq = false;
        _source = _destination = _count = 0;
        _command = EduDmaCommand.None;
        UpdateInterrupt();
    }

    private bool IsRegisterAccess(uint offset, int width) =>
        (width == 4 || (width == 8 && offset >= EduRegisters.DmaSource)) && offset % (uint)width == 0 && offset < Size
            && (uint)width <= Size - offset;

    private void Write32(uint offset, uint value)
    {
        switch (offset)
        {
            case EduRegisters.Liveness:
                _liveness = ~value;
                break;
            case EduRegisters.Factorial:
                StartFactorial(value);
                break;
            case EduRegisters.Status:
                _factorialIrq = (value & EduStatus.InterruptOnFactorial) != 0;
                break;
            case EduRegisters.InterruptRaise:
                Raise(value);
                break;
            case EduRegisters.InterruptAcknowledge:
                _interruptStatus &= ~value;
                UpdateInterrupt();
                break;
        }
    }

    private void WriteDma(uint offset, int width, ulong value)
    {
        if (IsTransferring)
            return; // the engine works with what it was started with
        switch (offset & ~7u)
        {
            case EduRegisters.DmaSource:
                Set(ref _source, offset, width, value);
                break;
            case EduRegisters.DmaDestination:
                Set(ref _destination, offset, width, value);
                break;
            case EduRegisters.DmaCount:
                Set(ref _count, offset, width, value);
                break;
            case EduRegisters.DmaCommand when offset == EduRegisters.DmaCommand:
                StartTransfer((EduDmaCommand)value);
                break;
        }
    }

    /// <summary>Writes a register of 64 bits or one half of it.</summary>
    private static void Set(ref ulong register, uint offset, int width, ulong value) => register = width == 8
        ? value
        : offset % 8 == 0 ? (register & 0xFFFF_FFFF_0000_0000) | (uint)value : (register & 0xFFFF_FFFF) | (value << 32);

    private void Raise(uint bits)
    {
        _interruptStatus |= bits;
        UpdateInterrupt();
    }

    private void UpdateInterrupt() => Interrupt.Set(_interruptStatus != 0);
}
