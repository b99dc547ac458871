using Aperture.Core;

namespace Aperture.Drivers.Nvme;

/// <summary>How the driver of NVMe controllers works.</summary>
public sealed record NvmeDriverOptions
{
    /// <summary>I/O queue pairs, 1 to 64; the controller may grant fewer. Default: one for each processor, at most 64.</summary>
    public int Queues { get; init; } = Math.Min(Environment.ProcessorCount, 64);

    /// <summary>Entries of an I/O queue, 2 to 4096; one less may be under way. At most what the controller has. Default 64.</summary>
    public int QueueEntries { get; init; } = 64;

    /// <summary>Most bytes of one command, 4096 to 1 MiB, a multiple of 4096; longer requests are split. At most what the controller and
    /// the path to memory allow. Default 256 KiB.</summary>
    public int MaxTransfer { get; init; } = 256 << 10;

    /// <summary>Bytes of one of a queue's own buffers for memory that is no driver memory, 4096 to 1 MiB, a multiple of 4096. Default
    /// 64 KiB.</summary>
    public int BounceBytes { get; init; } = 64 << 10;

    /// <summary>How many of them a queue has at most, 1 to 4096; they are allocated when they are needed first. Default 8.</summary>
    public int BounceBuffers { get; init; } = 8;

    /// <summary>How data are described to the controller. Default: PRPs.</summary>
    public NvmeTransfer Transfer { get; init; }

    /// <summary>Whether completions are looked for, rather than told of by interrupts. A device without interrupts is polled
    /// anyway.</summary>
    public bool Polling { get; init; }

    /// <summary>How often a timer looks for completions while requests are under way and nobody else does, when polling. Default 1
    /// ms.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>When a command counts as lost: it is aborted then, and the controller is reset after the same time again. Also the limit of
    /// an admin command. Default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a command is issued again that was aborted by a timeout, lost by a reset, or failed in a way that may pass.
    /// Default 3.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>Whether what awaits a request goes on on a thread of the pool, which allocates then, rather than on the thread that sees
    /// the completion: the one that raises the interrupt.</summary>
    public bool ContinueAsynchronously { get; init; }

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: a member is out of its range; the message names
    /// it.</exception>
    internal void Validate()
    {
        Check(Queues is >= 1 and <= 64, nameof(Queues), Queues);
        Check(QueueEntries is >= 2 and <= 4096, nameof(QueueEntries), QueueEntries);
        Check(MaxTransfer is >= 4096 and <= 1 << 20 && MaxTransfer % 4096 == 0, nameof(MaxTransfer), MaxTransfer);
        Check(BounceBytes is >= 4096 and <= 1 << 20 && BounceBytes % 4096 == 0, nameof(BounceBytes), BounceBytes);
        Check(BounceBuffers is >= 1 and <= 4096, nameof(BounceBuffers), BounceBuffers);
        Check(PollInterval > TimeSpan.Zero, nameof(PollInterval), PollInterval);
        Check(Timeout > TimeSpan.Zero, nameof(Timeout), Timeout);
        Check(Retries >= 0, nameof(Retries), Retries);
    }

    private static void Check(bool holds, string name, object value)
    {
        if (!holds)
            throw new ApertureException(Status.InvalidArgument, $"{name} = {value} is out of its range for an NVMe driver");
    }
}
