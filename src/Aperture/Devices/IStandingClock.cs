namespace Aperture.Devices;

/// <summary>A clock that stands still until somebody moves it, as that of a simulated machine. Whoever waits on it moves it.</summary>
public interface IStandingClock
{
    /// <summary>Lets time pass; every timer that falls due meanwhile fires at its own time, on this thread.</summary>
    /// <param name="time">Zero or more.</param>
    void Advance(TimeSpan time);
}
