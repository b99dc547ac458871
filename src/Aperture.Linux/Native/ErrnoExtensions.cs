using System.Runtime.InteropServices;
using Aperture.Core;

namespace Aperture.Linux.Native;

/// <summary>What error numbers mean here.</summary>
internal static class ErrnoExtensions
{
    /// <summary>The error of the last system call of this thread.</summary>
    public static Errno Last => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>The status that stands for an error number.</summary>
    public static Status ToStatus(this Errno error) => error switch
    {
        Errno.None => Status.Ok,
        Errno.NotPermitted or Errno.AccessDenied => Status.NotPermitted,
        Errno.NoEntry => Status.NotFound,
        Errno.NoMemory => Status.NoMemory,
        Errno.BadAddress => Status.BadAddress,
        Errno.Busy or Errno.Again => Status.Busy,
        Errno.Exists => Status.AlreadyExists,
        Errno.NoDevice or Errno.NoDeviceOrAddress => Status.NoDevice,
        Errno.Invalid or Errno.BadFile or Errno.BadFileState => Status.InvalidArgument,
        Errno.NoSpace => Status.NoSpace,
        Errno.Range or Errno.Overflow => Status.OutOfRange,
        Errno.NotTypewriter or Errno.NoSystemCall or Errno.NotSupported => Status.NotSupported,
        Errno.TimedOut => Status.TimedOut,
        _ => Status.IoError,
    };

    /// <summary>The C library's name and text of an error, for messages.</summary>
    public static string Describe(this Errno error) => $"{Marshal.GetPInvokeErrorMessage((int)error)} (error {(int)error})";
}
