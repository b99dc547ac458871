namespace Aperture.Drivers.DmaMaster;

/// <summary>How a command of the generic DMA master ended.</summary>
public enum DmaMasterOutcome
{
    /// <summary>Well.</summary>
    Ok,

    /// <summary>The translation unit held an access back; the command was aborted.</summary>
    Stalled,

    /// <summary>The translation unit refused an access.</summary>
    Refused,

    /// <summary>Nothing answered an access.</summary>
    BusError,

    /// <summary>A byte differs from the pattern.</summary>
    Mismatch,

    /// <summary>The segments hold fewer bytes than the command.</summary>
    ShortList,

    /// <summary>Somebody else aborted or reset the master.</summary>
    Aborted,

    /// <summary>The master has no such port.</summary>
    BadCommand,
}
