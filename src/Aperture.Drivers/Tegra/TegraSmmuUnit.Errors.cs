using System.Numerics;
using Aperture.Core;
using Aperture.Datasheets.Tegra;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Tegra;

/// <summary>The interrupt handler.</summary>
public sealed partial class TegraSmmuUnit
{
    /// <summary>Hears of each error that the memory controller found, translation faults and others, once it was acknowledged.</summary>
    public event Action<TegraMemoryError>? ErrorFound;

    /// <summary>Reports the pending errors, lowest bit first. The access is over by then: nobody can mend it.</summary>
    internal InterruptResult OnInterrupt() => Guard(HandleErrors);

    private InterruptResult HandleErrors()
    {
        Span<(
            TegraMemoryError Error,
            IommuDomain? Domain,
            Device? Master,
            int Asid)> found = new (TegraMemoryError, IommuDomain?, Device?, int)[BitOperations.PopCount((uint)Soc.Interrupts)];
        var count = 0;
        using (Registers.Hold())
        {
            if (!CanAccess)
                return InterruptResult.None;
            var pending = _registers.Read32(TegraMcRegister.InterruptStatus) & (uint)Soc.Interrupts;
            if (pending == 0)
                return InterruptResult.None;
            for (var bits = pending; bits != 0; bits &= bits - 1)
            {
                var error = TegraMemoryError.Read(_registers, Soc, (TegraMcInterrupts)(bits & ~(bits - 1)));
                var owner = error is { IsTranslationFault: true, Swgroup: { } swgroup } ? OwnerOf(swgroup) : null;
                found[count++] = (
                    error,
                    owner?.Domain,
                    owner is null ? null : MasterOf(error.Swgroup!.Value),
                    owner is null ? 0 : AsidOf(owner.Domain));
            }

            _registers.Write32(TegraMcRegister.InterruptStatus, pending);
        }

        foreach (var (error, domain, master, asid) in found[..count])
        {
            Listeners.Tell(ErrorFound, error);
            if (error.IsTranslationFault)
                Core.Report(
                    domain,
                    new FaultReport(
                        this,
                        master,
                        asid,
                        new Iova(error.Address),
                        error.Status.IsWrite ? FaultAccess.Write : FaultAccess.Read,
                        error.Reason,
                        error.Status.Value));
        }

        return InterruptResult.Handled;
    }

    /// <summary>The one master in a swgroup; null when there are several.</summary>
    private Device? MasterOf(uint swgroup)
    {
        Device? master = null;
        foreach (var attachment in Attachments)
        {
            if (!attachment.Has(swgroup))
                continue;
            if (master is not null)
                return null;
            master = attachment.Master;
        }

        return master;
    }
}
