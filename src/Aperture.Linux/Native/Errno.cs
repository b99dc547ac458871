namespace Aperture.Linux.Native;

/// <summary>Error numbers of the Linux system calls used here.</summary>
internal enum Errno
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>Operation not permitted.</summary>
    NotPermitted = 1,

    /// <summary>No such file, mapping or object.</summary>
    NoEntry = 2,

    /// <summary>Interrupted by a signal.</summary>
    Interrupted = 4,

    /// <summary>Input/output error.</summary>
    IoError = 5,

    /// <summary>No such device or address: for example a drive without a medium.</summary>
    NoDeviceOrAddress = 6,

    /// <summary>Bad file descriptor.</summary>
    BadFile = 9,

    /// <summary>Try again.</summary>
    Again = 11,

    /// <summary>No memory, or a limit on locked memory.</summary>
    NoMemory = 12,

    /// <summary>Permission denied.</summary>
    AccessDenied = 13,

    /// <summary>Bad address.</summary>
    BadAddress = 14,

    /// <summary>In use.</summary>
    Busy = 16,

    /// <summary>Something is there already.</summary>
    Exists = 17,

    /// <summary>No such device.</summary>
    NoDevice = 19,

    /// <summary>Not acceptable.</summary>
    Invalid = 22,

    /// <summary>The file does not know the request.</summary>
    NotTypewriter = 25,

    /// <summary>No room.</summary>
    NoSpace = 28,

    /// <summary>Beyond what can be expressed.</summary>
    Range = 34,

    /// <summary>There is no such system call.</summary>
    NoSystemCall = 38,

    /// <summary>Beyond what the type can express: Linux 7 answers it to a map whose end wraps around.</summary>
    Overflow = 75,

    /// <summary>A file of another kind.</summary>
    BadFileState = 77,

    /// <summary>Not supported.</summary>
    NotSupported = 95,

    /// <summary>Timed out.</summary>
    TimedOut = 110,

    /// <summary>No medium in the drive.</summary>
    NoMedium = 123,
}
