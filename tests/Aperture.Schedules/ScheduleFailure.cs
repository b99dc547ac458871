namespace Aperture.Schedules;

/// <summary>A schedule with which something goes wrong, as short as it could be made.</summary>
/// <param name="Schedule">Its switches.</param>
/// <param name="Places">Where each of them was.</param>
/// <param name="Error">What went wrong.</param>
/// <param name="Tried">How many schedules were tried until one failed.</param>
public sealed record ScheduleFailure(IReadOnlyList<Switch> Schedule, IReadOnlyList<string> Places, Exception Error, int Tried)
{
    /// <summary>What happened, line by line.</summary>
    public override string ToString() => string.Join(
        '\n', [$"schedule {Tried} fails, shrunk to {Schedule.Count} switches:", .. Places, Error.ToString()]);
}
