using Aperture.Core;
using Aperture.Datasheets.SmmuV3;
using Aperture.Iommu;

namespace Aperture.Drivers.SmmuV3;

/// <summary>Global errors.</summary>
public sealed partial class SmmuV3Unit
{
    /// <summary>Acknowledges what is active.</summary>
    private SmmuV3GlobalErrors TakeErrors()
    {
        var errors = SmmuV3GlobalErrors.None;
        if (_commands.TryHandleError())
            errors |= SmmuV3GlobalErrors.Command;
        var (now, acknowledged) =
            (_registers.Read32(SmmuV3Register.GlobalError), _registers.Read32(SmmuV3Register.GlobalErrorAck));
        if (now == acknowledged)
            return errors;
        _registers.Write32(SmmuV3Register.GlobalErrorAck, now);
        return errors | (SmmuV3GlobalErrors)(now ^ acknowledged);
    }

    /// <summary>A unit in service failure mode lets nothing through and does nothing: it is programmed afresh. The others are
    /// told.</summary>
    private void Tell(SmmuV3GlobalErrors errors)
    {
        Listeners.Tell(GlobalErrorFound, errors);
        if ((errors & SmmuV3GlobalErrors.ServiceFailure) == 0)
            return;
        Exception? error = new ApertureException(Status.IoError, $"{Name} is in service failure mode (GERROR.SFM_ERR)");
        Status status;
        using (Registers.Hold())
            status = Recover(ref error);
        Tell(UnitOperation.HandleFault, error, status);
    }
}
