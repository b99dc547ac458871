using Aperture.Datasheets.Exynos;
using Aperture.Devices;
using Aperture.Iommu;

namespace Aperture.Drivers.Exynos;

/// <summary>The interrupt handler.</summary>
public sealed partial class ExynosSysMmuUnit
{
    private static SysMmuControl Stalled => new(SysMmuControl.EnableBit | SysMmuControl.BlockBit);

    /// <summary>Reports the pending fault with the lowest number. If somebody mended it the unit goes on and tries the access again;
    /// if not it stalls everything, in silence, until the next attach or resume.</summary>
    internal InterruptResult OnInterrupt() => Guard(HandleFault);

    private InterruptResult HandleFault()
    {
        SysMmuFault fault;
        uint status;
        IommuDomain? domain;
        using (Registers.Hold())
        {
            if (!_clocks.IsOn)
                return InterruptResult.None;
            _clocks.BeginAccess();
            try
            {
                status = _registers.Read32(_map.InterruptStatus);
                if (status == 0)
                    return InterruptResult.None;
                fault = SysMmuFault.Read(_registers, Identity, status);
            }
            finally
            {
                _clocks.EndAccess();
            }

            domain = Domain;
            _running = SysMmuControl.Blocked; // what the handler unmaps must not let the unit go
        }

        // A cause without a name has no address that a handler could mend.
        var response = Report(fault.IsKnown ? domain : null, fault.Context, fault.Address, fault.Access, fault.Reason, status);
        var goesOn = response == FaultResponse.Retry || !fault.IsKnown;
        using (Registers.Hold())
        {
            if (!_clocks.IsOn || !ReferenceEquals(domain, Domain))
                return InterruptResult.Handled; // the handler itself detached or suspended the unit
            BeginAccess();
            try
            {
                _registers.Write32(_map.InterruptClear, fault.Bit);
                _running = goesOn ? SysMmuControl.Running : Stalled;
                _registers.Write32(SysMmuRegister.Control, _running.Value);
            }
            finally
            {
                EndAccess();
            }
        }

        return goesOn ? InterruptResult.Handled : InterruptResult.None;
    }
}
