using System.Globalization;
using Xunit.Abstractions;

namespace Aperture.Schedules.Tests;

/// <summary>How many schedules a test tries: a thousand, or what APERTURE_SCHEDULES says.</summary>
internal static class Explore
{
    private static readonly int s_count =
        int.TryParse(Environment.GetEnvironmentVariable("APERTURE_SCHEDULES"), CultureInfo.InvariantCulture, out var count) ? count : 1000;

    /// <summary>No schedule fails.</summary>
    public static void Holds(ITestOutputHelper output, Func<Concurrent> make, int threads = 2)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        using var explorer = new Explorer(threads);
        var failure = explorer.Explore(make, s_count, seed);
        Assert.True(failure is null, $"seed {seed}: {failure}");
        Assert.True(explorer.Steps > 50, $"only {explorer.Steps} steps: the assemblies were not rewritten");
        output.WriteLine($"{s_count} schedules of about {explorer.Steps} steps");
    }
}
