using Aperture.Datasheets.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tegra;

/// <content>Errors and the interrupt line.</content>
public sealed partial class TegraSmmu
{
    private ulong _errors; // accesses refused

    /// <summary>Latches an error that something else in the chip found, and raises the interrupt if software wants it.</summary>
    /// <param name="cause">The one cause.</param>
    /// <param name="status">What is known of the access.</param>
    /// <param name="address">Bits 31:0 of its address.</param>
    public void Latch(TegraMcInterrupts cause, TegraErrorStatus status, uint address)
    {
        using (HoldRegisters())
            LatchError(cause, status, address);
    }

    private void LatchError(TegraMcInterrupts cause, TegraErrorStatus status, uint address)
    {
        var registers = TegraMcRegister.ErrorRegisters(cause);
        if (!Options.KeepsFirstError || !IsPending(registers.Status))
        {
            this[registers.Status] = status.Value;
            this[registers.Address] = address;
        }

        this[TegraMcRegister.InterruptStatus] |= (uint)cause;
        RefreshInterrupt();
    }

    /// <summary>Whether an error in these registers was not cleared yet.</summary>
    private bool IsPending(uint statusRegister)
    {
        for (var pending = this[TegraMcRegister.InterruptStatus]; pending != 0; pending &= pending - 1)
        {
            if (TegraMcRegister.ErrorRegisters((TegraMcInterrupts)(pending & ~(pending - 1))).Status == statusRegister)
                return true;
        }

        return false;
    }

    /// <summary>Ends an access with an error. A table that could not be read is a decode error of the access (inferred).</summary>
    private TranslationResult Refuse(TegraErrorKind kind, in BusRequest request, TegraDescriptor descriptor)
    {
        _errors++;
        var client = ClientOf(request) & _soc.ClientMask;
        var status = TegraErrorStatus.Of(kind, client, request.IsWrite, request.IsSecure, request.Address.Value, descriptor);
        var cause = kind == TegraErrorKind.DecodeError ? TegraMcInterrupts.DecodeError : TegraMcInterrupts.InvalidSmmuPage;
        LatchError(cause, status, (uint)request.Address.Value);
        return new TranslationResult(TranslationStatus.Aborted);
    }

    private void RefreshInterrupt() =>
        Interrupt.Set(Answers && (this[TegraMcRegister.InterruptStatus] & this[TegraMcRegister.InterruptMask]) != 0);
}
