using Aperture.Core;
using Aperture.Datasheets.Nvme;

namespace Aperture.Drivers.Nvme;

/// <summary>A command that an NVMe controller ended with an error.</summary>
/// <param name="code">How it ended.</param>
/// <param name="message">One line that names device, command and status.</param>
public sealed class NvmeException(NvmeStatus code, string message) : ApertureException(StatusOf(code), message)
{
    /// <summary>How the command ended.</summary>
    public NvmeStatus Code { get; } = code;

    /// <summary>The status for an ending.</summary>
    /// <param name="code">Not <see cref="NvmeStatus.Success"/>.</param>
    internal static Status StatusOf(NvmeStatus code) => code switch
    {
        NvmeStatus.InvalidOpcode => Status.NotSupported,
        NvmeStatus.InvalidField or NvmeStatus.InvalidPrpOffset => Status.InvalidArgument,
        NvmeStatus.InvalidNamespace => Status.NoDevice,
        NvmeStatus.BlockOutOfRange => Status.OutOfRange,
        NvmeStatus.AbortRequested => Status.TimedOut,
        _ => Status.IoError,
    };

    /// <summary>Whether a command that ended so may end otherwise when it is issued again. Source: NVM Express 1.4, figure 126, for
    /// those of the generic type; 0x82 is "namespace not ready".</summary>
    internal static bool MayPass(NvmeStatus code) => (int)code is (int)NvmeStatus.DataTransferError or (int)NvmeStatus.InternalError
        or (int)NvmeStatus.AbortRequested or (int)NvmeStatus.AbortedBySubmissionQueueDeletion or 0x82;
}
