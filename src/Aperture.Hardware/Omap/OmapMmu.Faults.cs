using Aperture.Datasheets.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Omap;

/// <summary>Faults: how they are reported, how they stall an access, and what releases it.</summary>
public sealed partial class OmapMmu
{
    private OmapFault _held; // the fault for which an access is stalled; none if none is

    /// <summary>Reports the fault of an access and stalls it, or ends it if the MMU is to answer with bus errors.</summary>
    private TranslationStatus Fail(OmapFault fault, in BusRequest request, ref AccessAttempt attempt)
    {
        var address = (uint)request.Address.Value;
        if (request.IsDebug)
            _emuFaultAddress = address;
        LatchFaultStatus(fault, request);
        var holds = !IsBusErrorBack;
        if (holds)
        {
            _held = fault;
            attempt.HasFaulted = true;
            UpdateMode();
        }

        Report(fault, address);
        return holds ? TranslationStatus.Stalled : TranslationStatus.Aborted;
    }

    /// <summary>Sets the fault registers and then the line.</summary>
    private void Report(OmapFault fault, uint address)
    {
        _faults++;
        if (_options.SecondFault == OmapSecondFault.Overwrite || (_irqStatus & (uint)OmapFault.All) == 0)
            _faultAddress = address;
        _irqStatus |= (uint)fault;
        UpdateInterrupt();
    }

    /// <summary>Keeps the first fault only, until software clears FAULTINDICATION.</summary>
    private void LatchFaultStatus(OmapFault fault, in BusRequest request)
    {
        if (!_options.HasFaultStatus || _faultStatus.IsIndicated)
            return;
        var id = fault == OmapFault.TableWalk ? OmapFaultStatus.TableWalkId : request.Tag;
        id &= (1 << _options.TransactionIdBits) - 1;
        var type = request.IsFetch ? 1 : (_options.DmaTransactionIds >> id & 1) != 0 ? 2 : 0;
        _faultStatus = new OmapFaultStatus(type, request.IsWrite == _options.FaultStatusWriteIsOne, id);
    }

    /// <summary>Software clears bits of IRQSTATUS, which releases the held access, save for a TLB miss: that waits for an entry.</summary>
    private void ClearStatus(uint bits)
    {
        _irqStatus &= ~bits;
        if (((uint)_held & bits) != 0 && (_held != OmapFault.TlbMiss || _options.StatusReleasesTlbMiss))
            Release();
        UpdateInterrupt();
    }

    private void Release()
    {
        _held = OmapFault.None;
        UpdateMode();
    }

    private void UpdateInterrupt()
    {
        var gated = (_gpReg & 1) != 0
            && _options is { GpRegister: OmapGpRegister.FaultInterruptDisable, FaultInterruptDisableGatesLine: true };
        Interrupt.Set(!gated && (_irqStatus & _irqEnable) != 0);
    }
}
