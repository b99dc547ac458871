using Aperture.Core;

namespace Aperture.Hardware.Masters;

/// <summary>How fast a master works where it does not do a whole command at once: a slice of so many bytes, then a pause in which the CPU
/// and other masters work, then the next.</summary>
public sealed class MasterPace
{
    /// <summary>What <see cref="Bytes"/> is a multiple of.</summary>
    public const int Grain = 32;

    /// <summary>A pace.</summary>
    /// <param name="time">The time that passes in pauses: a machine's clock, so that equal runs interleave alike.</param>
    /// <param name="bytes">Bytes of a slice: at least 32, and a multiple of 32. A master that moves larger pieces (a block of a card, a
    /// frame, a line of a picture) ends its slice with the piece that fills it.</param>
    /// <param name="pause">From one slice to the next; more than zero.</param>
    /// <exception cref="ApertureException"><see cref="Status.InvalidArgument"/>: no such number of bytes, or no pause.</exception>
    public MasterPace(TimeProvider time, int bytes, TimeSpan pause)
    {
        ArgumentNullException.ThrowIfNull(time);
        if (bytes < Grain || bytes % Grain != 0)
            throw new ApertureException(Status.InvalidArgument, $"a slice of {bytes} bytes is not a multiple of {Grain} from {Grain} on");
        if (pause <= TimeSpan.Zero)
            throw new ApertureException(Status.InvalidArgument, $"a pause of {pause} lets nobody else work");
        Time = time;
        Bytes = bytes;
        Pause = pause;
    }

    /// <summary>The time that passes in pauses.</summary>
    public TimeProvider Time { get; }

    /// <summary>Bytes of a slice.</summary>
    public int Bytes { get; }

    /// <summary>From one slice to the next.</summary>
    public TimeSpan Pause { get; }
}
