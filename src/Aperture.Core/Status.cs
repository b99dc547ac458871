namespace Aperture.Core;

/// <summary>How a call on a hot path ended. The numbers are those of the field (negative error numbers), so that logs and
/// recorded vectors read the same. At the edge of the API a failure becomes an <see cref="ApertureException"/>.</summary>
public enum Status
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>Not permitted: somebody else owns it.</summary>
    NotPermitted = -1,

    /// <summary>There is no such entry.</summary>
    NotFound = -2,

    /// <summary>The transfer or the register access failed.</summary>
    IoError = -5,

    /// <summary>No memory.</summary>
    NoMemory = -12,

    /// <summary>The address leads to no memory.</summary>
    BadAddress = -14,

    /// <summary>In use.</summary>
    Busy = -16,

    /// <summary>Something is mapped there already.</summary>
    AlreadyExists = -17,

    /// <summary>There is no such device, or no unit serves it.</summary>
    NoDevice = -19,

    /// <summary>An argument is not acceptable: misaligned, of no supported size, or of the wrong kind.</summary>
    InvalidArgument = -22,

    /// <summary>No room: no device address, stream, context or entry is left.</summary>
    NoSpace = -28,

    /// <summary>The address is beyond what the unit or the format can express.</summary>
    OutOfRange = -34,

    /// <summary>Nobody handles this.</summary>
    NotImplemented = -38,

    /// <summary>The unit or the device cannot do this.</summary>
    NotSupported = -95,

    /// <summary>The hardware did not answer in time.</summary>
    TimedOut = -110,

    /// <summary>A supplier is not there yet; try again when it is.</summary>
    ProbeDefer = -517,
}
