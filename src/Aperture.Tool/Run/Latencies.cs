using Aperture.Boards.Running;
using HdrHistogram;

namespace Aperture.Tool.Run;

/// <summary>How long the requests of a phase took, as a distribution, in nanoseconds.</summary>
internal sealed class Latencies
{
    private const long Longest = 3_600_000_000_000; // an hour
    private const int Digits = 3;

    private readonly LongHistogram _histogram = new(1, Longest, Digits);

    public Latencies(PhaseTimes times)
    {
        Times = times;
        foreach (var time in times.Nanoseconds)
            _histogram.RecordValue(Math.Clamp(time, 1, Longest));
    }

    public PhaseTimes Times { get; }

    public double Mean => Times.Nanoseconds.Count == 0 ? 0 : Times.Nanoseconds.Average();

    public long Max => Times.Nanoseconds.Count == 0 ? 0 : Times.Nanoseconds.Max();

    /// <summary>MiB of data a second.</summary>
    public double Throughput => Times.Elapsed == TimeSpan.Zero ? 0 : Times.Bytes / Times.Elapsed.TotalSeconds / (1 << 20);

    /// <summary>What so many of a hundred requests do not exceed.</summary>
    public long At(double percent) => Times.Nanoseconds.Count == 0 ? 0 : _histogram.GetValueAtPercentile(percent);
}
