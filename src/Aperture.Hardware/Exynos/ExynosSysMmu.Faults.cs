using Aperture.Datasheets.Exynos;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Exynos;

/// <content>How faults show in INT_STATUS and the fault registers of every layout.</content>
public sealed partial class ExynosSysMmu
{
    private ulong _faults; // faults raised

    private enum FaultKind : byte
    {
        None,
        TableWalk,
        Page,
        MultiHit,
        Protection,
        Security,
    }

    /// <summary>Reports a fault.</summary>
    /// <returns>Whether the access is stalled, rather than ended with an error.</returns>
    private bool Raise(FaultKind fault, in BusRequest request, uint vid)
    {
        _faults++;
        var isWrite = request.IsWrite;
        var bit = BitOf(fault, isWrite, (int)vid);
        if (!Options.KeepsFirstFault || (this[InterruptStatus] & bit) == 0)
            Latch(fault, (uint)request.Address.Value, SysMmuTransactionInfo.Of(request.Tag, 0, isWrite), vid);

        var stalls = Stalls(vid);
        this[InterruptStatus] |= bit;
        if (stalls)
        {
            _pollsLeft = 0;
            if (Options.FaultSetsBlockBit)
                this[SysMmuRegister.Control] |= SysMmuControl.BlockBit;
            else
                _faultHeld = true;
        }

        RefreshMode();
        return stalls;
    }

    private bool Stalls(uint vid) => Options.Stall switch
    {
        SysMmuStall.Always => true,
        SysMmuStall.ControlBit => Control.Stalls,
        SysMmuStall.VmControlBit => VmControl(vid).Stalls,
        _ => false,
    };

    private uint BitOf(FaultKind fault, bool isWrite, int vid) => _layout switch
    {
        SysMmuLayout.V1 => (uint)V1Fault(fault, isWrite),
        SysMmuLayout.V5 => V5Fault(fault).Bit(isWrite),
        _ => V7Fault(fault).Bit(vid),
    };

    private static SysMmuV1Fault V1Fault(FaultKind fault, bool isWrite) => fault switch
    {
        FaultKind.TableWalk => SysMmuV1Fault.BusError,
        FaultKind.Page => SysMmuV1Fault.Page,
        FaultKind.MultiHit => isWrite ? SysMmuV1Fault.WriteMultiHit : SysMmuV1Fault.ReadMultiHit,
        FaultKind.Protection => isWrite ? SysMmuV1Fault.WriteProtection : SysMmuV1Fault.ReadProtection,
        _ => isWrite ? SysMmuV1Fault.WriteSecurity : SysMmuV1Fault.ReadSecurity,
    };

    private static SysMmuV5Fault V5Fault(FaultKind fault) => fault switch
    {
        FaultKind.TableWalk => SysMmuV5Fault.TableWalk,
        FaultKind.Page => SysMmuV5Fault.Page,
        FaultKind.MultiHit => SysMmuV5Fault.MultiHit,
        FaultKind.Protection => SysMmuV5Fault.Protection,
        _ => SysMmuV5Fault.Security,
    };

    private SysMmuV7Fault V7Fault(FaultKind fault) => fault switch
    {
        FaultKind.TableWalk => SysMmuV7Fault.TableWalk,
        FaultKind.Page => SysMmuV7Fault.Page,
        FaultKind.Protection => SysMmuV7Fault.Protection,
        _ => Options.V7OtherFault,
    };

    private void Latch(FaultKind fault, uint address, SysMmuTransactionInfo info, uint vid)
    {
        switch (_layout)
        {
            case SysMmuLayout.V1:
                LatchV1(fault, address, info);
                break;
            case SysMmuLayout.V5 when info.IsWrite:
                this[SysMmuV5Register.WriteFaultAddress] = address;
                this[SysMmuV5Register.WriteFaultInfo] = info.Value & ~SysMmuTransactionInfo.WriteBit;
                break;
            case SysMmuLayout.V5:
                this[SysMmuV5Register.ReadFaultAddress] = address;
                this[SysMmuV5Register.ReadFaultInfo] = info.Value;
                break;
            case SysMmuLayout.V7:
                this[SysMmuV7Register.FaultAddress] = address;
                this[SysMmuV7Register.FaultInfo] = info.Value;
                break;
            default:
                this[SysMmuVmRegister.FaultAddress + (vid * SysMmuVmRegister.FaultStride)] = address;
                this[SysMmuVmRegister.FaultInfo + (vid * SysMmuVmRegister.FaultStride)] = info.Value;
                break;
        }
    }

    private void LatchV1(FaultKind fault, uint address, SysMmuTransactionInfo info)
    {
        switch (fault)
        {
            case FaultKind.Page:
                this[SysMmuV1Register.PageFaultAddress] = address;
                break;
            case FaultKind.TableWalk:
                if (Options.BusErrorAddress != SysMmuBusErrorAddress.PageFault)
                    this[SysMmuV1Register.DefaultSlaveAddress] = address;
                if (Options.BusErrorAddress != SysMmuBusErrorAddress.DefaultSlave)
                    this[SysMmuV1Register.PageFaultAddress] = address;
                break;
            default:
                this[info.IsWrite ? SysMmuV1Register.WriteFaultAddress : SysMmuV1Register.ReadFaultAddress] = address;
                break;
        }

        if (HasV33Registers)
            this[SysMmuV1Register.FaultTransactionInfo] = info.Value;
    }
}
