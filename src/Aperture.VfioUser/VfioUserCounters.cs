namespace Aperture.VfioUser;

/// <summary>What was counted of a function since it was made.</summary>
/// <param name="Requests">Messages from clients.</param>
/// <param name="Reads">Register reads, configuration space included.</param>
/// <param name="Writes">Register writes.</param>
/// <param name="Unanswered">Register accesses that no block took.</param>
/// <param name="Refused">Messages that were refused.</param>
/// <param name="Interrupts">Interrupts sent to clients.</param>
/// <param name="DmaMessages">Messages sent to clients, for their memory.</param>
/// <param name="Connections">Clients that came.</param>
public readonly record struct VfioUserCounters(
    ulong Requests, ulong Reads, ulong Writes, ulong Unanswered, ulong Refused, ulong Interrupts, ulong DmaMessages, ulong Connections);
