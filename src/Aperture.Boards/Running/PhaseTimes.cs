namespace Aperture.Boards.Running;

/// <summary>How long the requests of one phase of a workload took: times of a wall clock, and so of the simulation on the machine that it
/// runs on, not of the silicon that it stands for. They differ from run to run.</summary>
/// <param name="Name">The device, its address space, and what was done.</param>
/// <param name="Bytes">Bytes moved.</param>
/// <param name="Nanoseconds">Each request, in order.</param>
public sealed record PhaseTimes(string Name, long Bytes, IReadOnlyList<long> Nanoseconds)
{
    /// <summary>All requests together; what was done between them does not count.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Nanoseconds.Sum() / TimeSpan.NanosecondsPerTick);
}
