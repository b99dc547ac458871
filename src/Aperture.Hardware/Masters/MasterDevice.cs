using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Masters;

/// <summary>A DMA master as silicon: a register block on the CPU's side, ports to memory on the other.</summary>
/// <remarks>Not thread-safe: register accesses and whatever else drives the master come from one thread at a time; slices run on the
/// thread that lets time pass. An interrupt handler may access registers while the master is at work on the same thread. A master that has
/// no power or clock, or is in reset, answers no register access and does no DMA.</remarks>
public abstract class MasterDevice : BusDevice
{
    private ITimer? _pause;  // ends a pause; null until the first
    private int _left;       // bytes of the current slice

    /// <summary>How fast the master works; null, the default: a command runs to its end within the access that starts it, as if the CPU
    /// stood still meanwhile.</summary>
    public MasterPace? Pace { get; init; }

    /// <summary>Whether a command stands between two slices.</summary>
    protected bool IsPaused { get; private set; }

    /// <summary>Bytes that may still be moved in this slice; without a pace there is no limit.</summary>
    protected int SliceLeft => Pace is null ? int.MaxValue : _left;

    /// <summary>A slice begins.</summary>
    protected void BeginSlice()
    {
        _left = Pace?.Bytes ?? 0;
    }

    /// <summary>Bytes were moved.</summary>
    /// <param name="bytes">How many.</param>
    /// <returns>Whether the slice ends with them: the master pauses, and <see cref="GoOn"/> is called after it.</returns>
    protected bool EndsSlice(int bytes)
    {
        if (Pace is not { } pace)
            return false;
        _left -= bytes;
        if (_left > 0)
            return false;
        IsPaused = true;
        _pause ??= pace.Time.CreateTimer(
            static state => ((MasterDevice)state!).OnPauseEnd(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _pause.Change(pace.Pause, Timeout.InfiniteTimeSpan);
        return true;
    }

    /// <summary>There will be no further slice: the command was aborted, or the block reset.</summary>
    protected void CancelSlices()
    {
        IsPaused = false;
        _pause?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Goes on with the command that was paused.</summary>
    protected virtual void GoOn()
    {
    }

    private void OnPauseEnd()
    {
        if (!IsPaused)
            return; // it was cancelled while this timer was about to fire
        if (!Answers)
        {
            _pause!.Change(Pace!.Pause, Timeout.InfiniteTimeSpan); // its clock stands; a reset or a loss of power has ended the pause
            return;
        }

        IsPaused = false;
        GoOn();
    }
}
