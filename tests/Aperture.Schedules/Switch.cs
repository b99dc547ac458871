namespace Aperture.Schedules;

/// <summary>A switch of a schedule.</summary>
/// <param name="Step">Before which step, counted over all threads.</param>
/// <param name="Thread">Who goes on; the next one that has not ended, if it has.</param>
public readonly record struct Switch(int Step, int Thread);
