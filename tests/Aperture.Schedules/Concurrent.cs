namespace Aperture.Schedules;

/// <summary>What several threads do at once to something new, and what must hold when they are done.</summary>
/// <param name="Threads">What each of them does; what one throws is a failure.</param>
/// <param name="Check">Throws if something is wrong.</param>
public sealed record Concurrent(IReadOnlyList<Action> Threads, Action Check);
