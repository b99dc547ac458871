using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Rockchip;

/// <summary>The interrupt handler.</summary>
public sealed partial class RockchipIommuUnit
{
    /// <summary>Reports what each MMU has pending. A page fault that somebody mended is tried again; after one that nobody did the MMU
    /// stalls everything, in silence, until the next attach or resume. After a bus error the MMU itself goes on.</summary>
    internal InterruptResult OnInterrupt() => Guard(HandleFaults);

    private InterruptResult HandleFaults()
    {
        var result = InterruptResult.None;
        foreach (var mmu in _mmus)
        {
            if (Handle(mmu))
                result = InterruptResult.Handled;
        }

        return result;
    }

    private bool Handle(RegisterRegion mmu)
    {
        RockchipMmuInterrupts pending;
        RockchipMmuStatus status;
        uint address;
        IommuDomain? domain;
        using (Registers.Hold())
        {
            if (!CanAccess || Domain is null)
                return false;
            domain = Domain;
            _clocks.On();
            try
            {
                pending = (RockchipMmuInterrupts)mmu.Read32(RockchipMmuRegister.InterruptStatus);
                if (pending == RockchipMmuInterrupts.None)
                    return false;
                address = mmu.Read32(RockchipMmuRegister.FaultAddress);
                status = Status(mmu);
            }
            finally
            {
                _clocks.Off();
            }
        }

        var isPageFault = (pending & RockchipMmuInterrupts.PageFault) != 0;
        var access = status.IsWrite ? FaultAccess.Write : FaultAccess.Read;
        var goesOn = !isPageFault || Report(domain, 0, address, access, Reason(domain, address), (uint)pending) == FaultResponse.Retry;
        if ((pending & RockchipMmuInterrupts.BusError) != 0)
            Report(domain, 0, address, FaultAccess.Unknown, FaultReason.TableWalk, (uint)pending);
        Finish(mmu, domain, pending, isPageFault, goesOn);
        return true;
    }

    private void Finish(RegisterRegion mmu, IommuDomain domain, RockchipMmuInterrupts pending, bool isPageFault, bool goesOn)
    {
        using (Registers.Hold())
        {
            if (!CanAccess || !ReferenceEquals(domain, Domain))
                return; // the handler itself detached or suspended the unit
            _clocks.On();
            try
            {
                if (!goesOn)
                    mmu.Write32(RockchipMmuRegister.InterruptMask, 0);
                mmu.Write32(RockchipMmuRegister.InterruptClear, (uint)pending);
                if (!isPageFault || !goesOn)
                    return;
                Command(mmu, RockchipMmuCommand.ZapCache);
                Command(mmu, RockchipMmuCommand.PageFaultDone);
            }
            finally
            {
                _clocks.Off();
            }
        }
    }

    /// <summary>The unit does not tell whether nothing was mapped or not for such an access; the domain knows.</summary>
    private static FaultReason Reason(IommuDomain domain, uint address) =>
        domain.TryTranslate(new Iova(address), out _) ? FaultReason.Protection : FaultReason.NotMapped;
}
