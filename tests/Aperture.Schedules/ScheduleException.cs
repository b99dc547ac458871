namespace Aperture.Schedules;

/// <summary>Threads that wait for each other for ever.</summary>
/// <param name="message">One line.</param>
public sealed class ScheduleException(string message) : Exception(message);
