using Aperture.Datasheets.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Msm;

/// <content>Faults of a bank, errors of the unit, and the interrupt lines.</content>
public sealed partial class MsmIommu
{
    /// <summary>Reports a fault of a bank. The first stays in the registers until it is cleared; of later ones only MULTI tells.</summary>
    /// <returns>Whether the access is stalled, rather than ended.</returns>
    private bool Raise(MsmContextBank bank, MsmFault fault, in BusRequest request)
    {
        _faults++;
        if ((bank.Fault & MsmFault.Causes) == 0)
        {
            bank.Fault |= fault;
            bank[MsmContextRegisters.FaultAddress] = (uint)request.Address.Value;
            bank[MsmContextRegisters.FaultIds] = MsmTransactionIds.Of(request.Stream.Value, request.Tag).Bits;
            bank[MsmContextRegisters.FaultTransaction] = TransactionOf(request).Bits;
        }
        else
        {
            bank.Fault |= MsmFault.Multiple;
        }

        var stalls = (bank.Auxiliary.Bits & MsmAuxiliaryControl.StallBit) != 0 && (Control.Bits & MsmControl.StallDisabledBit) == 0;
        if (stalls)
            bank.Hold();
        RefreshInterrupts();
        return stalls;
    }

    private void RaiseGlobal(MsmGlobalError error, in BusRequest request)
    {
        _faults++;
        var status = (MsmGlobalError)Global(MsmGlobalRegisters.ErrorStatus);
        if (status == MsmGlobalError.None)
        {
            var vmid = request.Stream.Value < MsmGlobalRegisters.Machines ? MapOf(request.Stream.Value).Vmid : 0;
            Store(MsmGlobalRegisters.ErrorStatus, (uint)error);
            Store(MsmGlobalRegisters.ErrorAddress, (uint)request.Address.Value);
            Store(MsmGlobalRegisters.ErrorIds, MsmTransactionIds.Of(request.Stream.Value, request.Tag, vmid).Bits);
            Store(MsmGlobalRegisters.ErrorTransaction, TransactionOf(request).Bits);
        }
        else
        {
            Store(MsmGlobalRegisters.ErrorStatus, (uint)(status | MsmGlobalError.Multiple));
        }

        RefreshInterrupts();
    }

    private MsmTransaction TransactionOf(in BusRequest request) =>
        MsmTransaction.Of(request.IsWrite, request.IsFetch, Options.MastersArePrivileged || request.IsPrivileged);

    private void UpdateRoutes()
    {
        var isStalled = false;
        foreach (var bank in _banks)
            isStalled |= bank.IsHeld;
        for (var machine = 0; machine < _bankOf.Length; machine++)
        {
            var bank = _clientsPass ? null : _bankOf[machine];
            SetRoute(machine, new QuickRoute(bank is { IsTranslating: true } ? _tlb : null, bank?.Tag ?? 0));
        }

        NoteStall(isStalled);
    }

    /// <summary>Global errors use the first line (inferred).</summary>
    private void RefreshInterrupts()
    {
        UpdateRoutes();
        var hasError = Global(MsmGlobalRegisters.ErrorStatus) != 0 && (Control.Bits & MsmControl.ErrorInterruptBit) != 0;
        for (var line = 0; line < Interrupts.Count; line++)
        {
            var isAsserted = line == 0 && hasError;
            foreach (var bank in _banks)
                isAsserted |= bank.Attributes.Interrupt == line && bank.Interrupts;
            Interrupts[line].Set(isAsserted && IsPowered && !IsInReset);
        }
    }
}
