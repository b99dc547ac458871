using Aperture.Datasheets.Omap;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Omap;

/// <summary>The interrupt handler.</summary>
public sealed partial class OmapIommu
{
    /// <summary>Reports a fault. Acknowledging lets the MMU try the access again. If nobody mended the fault it faults again,
    /// and stays stalled in silence: interrupts are off until the next attach or resume.</summary>
    internal InterruptResult OnInterrupt() => Guard(HandleFault);

    private InterruptResult HandleFault()
    {
        OmapFault status;
        uint address;
        IommuDomain? domain;
        using (Registers.Hold())
        {
            if (!CanAccess)
                return InterruptResult.None;
            status = (OmapFault)_mmu.Read32(OmapRegisters.IrqStatus) & OmapFault.All;
            if (status == OmapFault.None)
                return InterruptResult.Handled;
            address = _mmu.Read32(OmapRegisters.FaultAddress);
            domain = Domain;
        }

        var response = Report(domain, 0, address, FaultAccess.Unknown, ReasonOf(status), (uint)status);
        using (Registers.Hold())
        {
            if (CanAccess)
            {
                if (response == FaultResponse.Unhandled)
                    _mmu.Write32(OmapRegisters.IrqEnable, 0);
                _mmu.Write32(OmapRegisters.IrqStatus, (uint)status);
            }
        }

        return response == FaultResponse.Unhandled ? InterruptResult.None : InterruptResult.Handled;
    }

    private static FaultReason ReasonOf(OmapFault status)
    {
        if ((status & OmapFault.MultiHit) != 0)
            return FaultReason.MultipleHit;
        if ((status & OmapFault.TableWalk) != 0)
            return FaultReason.TableWalk;
        return (status & OmapFault.Translation) != 0 ? FaultReason.NotMapped : FaultReason.CacheMiss;
    }
}
