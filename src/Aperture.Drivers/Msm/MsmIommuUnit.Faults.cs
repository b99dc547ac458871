using Aperture.Core;
using Aperture.Datasheets.Msm;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Msm;

/// <summary>The interrupt handler.</summary>
public sealed partial class MsmIommuUnit
{
    /// <summary>Reports the pending fault of each bank. If somebody mended it the access is tried again; if not it stays stalled, and
    /// its bank with it, in silence, until the bank's next domain or the next resume.</summary>
    internal InterruptResult OnInterrupt() => Guard(HandleFaults);

    private InterruptResult HandleFaults()
    {
        var result = InterruptResult.None;
        foreach (var context in _contexts)
        {
            IommuDomain? domain;
            MsmFault status;
            FaultReport report;
            using (Registers.Hold())
            {
                if (!CanAccess)
                    return result;
                domain = context.Domain;
                status = ReadFault(context, out report);
            }

            if ((status & ~(MsmFault.Stalled | MsmFault.SecondLevel)) == 0)
                continue;
            var response = Core.Report(domain, report);
            result = InterruptResult.Handled;
            using (Registers.Hold())
            {
                if (CanAccess && !NeedsReprogram && context.Domain == domain)
                    Answer(context, status, response);
            }
        }

        return result;
    }

    private MsmFault ReadFault(MsmContext context, out FaultReport report)
    {
        _clocks.On();
        try
        {
            var bank = context.Number;
            var status = (MsmFault)Read(bank, MsmContextRegisters.FaultStatus);
            report = default;
            if (status == MsmFault.None)
                return status;
            var transaction = new MsmTransaction(Read(bank, MsmContextRegisters.FaultTransaction));
            var access = transaction.IsFetch ? FaultAccess.Execute : transaction.IsWrite ? FaultAccess.Write : FaultAccess.Read;
            var machine = new MsmTransactionIds(Read(bank, MsmContextRegisters.FaultIds)).Machine;
            context.IsStalled |= (status & MsmFault.Stalled) != 0;
            report = new FaultReport(
                this,
                OwnerOf(machine)?.Master,
                bank,
                new Iova(Read(bank, MsmContextRegisters.FaultAddress)),
                access,
                ReasonOf(status),
                (uint)status);
            return status;
        }
        finally
        {
            _clocks.Off();
        }
    }

    /// <summary>Clears a fault. The bit that tells of a stalled access is left where the access is to stay so.</summary>
    private void Answer(MsmContext context, MsmFault status, FaultResponse response)
    {
        var isMended = response == FaultResponse.Retry;
        _clocks.On();
        try
        {
            Write(context.Number, MsmContextRegisters.FaultStatus, (uint)(isMended ? status : status & ~MsmFault.Stalled));
            if (!isMended)
                return;
            Write(context.Number, MsmContextRegisters.Resume, MsmContextRegisters.ResumeRetry);
            context.IsStalled = false;
        }
        finally
        {
            _clocks.Off();
        }
    }

    private static FaultReason ReasonOf(MsmFault status) => status switch
    {
        _ when (status & (MsmFault.WalkDecode | MsmFault.WalkSlave)) != 0 => FaultReason.TableWalk,
        _ when (status & MsmFault.MultiHit) != 0 => FaultReason.MultipleHit,
        _ when (status & MsmFault.TlbMiss) != 0 => FaultReason.CacheMiss,
        _ when (status & MsmFault.Translation) != 0 => FaultReason.NotMapped,
        _ when (status & (MsmFault.Permission | MsmFault.AccessFlag)) != 0 => FaultReason.Protection,
        _ => FaultReason.Other,
    };
}
