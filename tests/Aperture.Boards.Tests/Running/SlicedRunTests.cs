using System.Security.Cryptography;
using Aperture.Boards.Running;
using Aperture.Core.Memory;

namespace Aperture.Boards.Tests.Running;

/// <summary>Machines whose masters do a slice and go on later.</summary>
public sealed class SlicedRunTests
{
    private static readonly MachineOptions s_options = new() { MasterSlice = 1024 };

    [Theory]
    [InlineData("omap3-isp")]
    [InlineData("exynos4412-media")]
    [InlineData("rk3399-media")]
    [InlineData("smmuv3-media")]
    [InlineData("tegra124-media")]
    [InlineData("apq8064-media")]
    public void Self_tests_and_scenarios_hold_as_they_do_at_once(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board), s_options);
        Runs.AssertAllHeld(machine);
        foreach (var scenario in Scenarios.All.Where(scenario => scenario.AppliesTo(machine)))
        {
            var result = scenario.Run(machine);
            Assert.True(result.IsOk, $"{scenario.Name}: {string.Join(Environment.NewLine, result.Lines)}");
        }
    }

    [Fact]
    public void Two_runs_end_at_the_same_time_with_the_same_bytes()
    {
        var (time, hash) = Run();
        Assert.Equal((time, hash), Run());
        Assert.True(time > TimeSpan.Zero);

        static (TimeSpan Time, string Hash) Run()
        {
            using var machine = Machine.Boot(Runs.Own("exynos4412-media"), s_options with { MasterSlice = 4096 });
            Runs.AssertAllHeld(machine);
            foreach (var scenario in Scenarios.All.Where(scenario => scenario.AppliesTo(machine)))
                scenario.Run(machine);
            return (machine.Clock.Elapsed, Hash(machine.Memory));
        }
    }

    [Fact]
    public void Without_the_option_no_time_passes_in_a_command()
    {
        using var machine = Machine.Boot(Runs.Own("omap3-isp"));
        Assert.Null(machine.Pace);
        Runs.AssertAllHeld(machine);
        Assert.Equal(TimeSpan.Zero, machine.Clock.Elapsed);
    }

    /// <summary>Of the memory that was touched: the first megabytes of each region, where the page allocator begins.</summary>
    private static string Hash(PhysicalMemory memory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var range in memory.Regions)
            hash.AppendData(memory.Span(range.Start, (int)Math.Min(range.Length, 32 << 20)));
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
