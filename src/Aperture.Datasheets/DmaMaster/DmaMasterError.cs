namespace Aperture.Datasheets.DmaMaster;

/// <summary>How a command failed: the ERROR field of <see cref="DmaMasterStatus"/>.</summary>
public enum DmaMasterError : uint
{
    /// <summary>It did not.</summary>
    None = 0,

    /// <summary>The translation unit refused an access.</summary>
    Refused = 1,

    /// <summary>Nothing answered an access.</summary>
    BusError = 2,

    /// <summary>VERIFY found a byte that differs.</summary>
    Mismatch = 3,

    /// <summary>A descriptor list ended before LENGTH bytes.</summary>
    ShortList = 4,

    /// <summary>Software aborted the command.</summary>
    Aborted = 5,

    /// <summary>No such command or port, or too many descriptors.</summary>
    BadCommand = 6,
}
