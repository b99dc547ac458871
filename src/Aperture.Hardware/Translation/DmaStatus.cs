namespace Aperture.Hardware.Translation;

/// <summary>How a transfer of a master ended.</summary>
public enum DmaStatus
{
    /// <summary>All bytes were transferred.</summary>
    Ok,

    /// <summary>The access is stalled in a translation unit; the master waits, and may be reset.</summary>
    Stalled,

    /// <summary>A translation unit refused the access.</summary>
    Refused,

    /// <summary>The access left the unit but nothing answered on the bus.</summary>
    BusError,
}
