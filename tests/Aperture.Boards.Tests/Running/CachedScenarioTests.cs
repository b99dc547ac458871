using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Core.Memory;
using Aperture.Dma.Sanitizer;

namespace Aperture.Boards.Tests.Running;

/// <summary>The scenarios on boards whose masters do not snoop the CPU's caches: a forgotten sync would show in the bytes, and to the
/// sanitizer.</summary>
public class CachedScenarioTests
{
    public static TheoryData<string, int?> Boards
    {
        get
        {
            var data = new TheoryData<string, int?>();
            foreach (var board in BoardFiles.Names(BoardFiles.Own))
            {
                data.Add(board, null);
                data.Add(board, 7); // caches that evict and prefetch at random
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_scenario_that_applies_succeeds(string board, int? chaos)
    {
        using var machine = Machine.Boot(
            Runs.Own(board),
            new MachineOptions { Sanitizer = new SanitizerOptions(), CpuCaches = new CpuCacheOptions { ChaosSeed = chaos } });
        foreach (var scenario in Scenarios.All.Where(scenario => scenario.AppliesTo(machine)))
        {
            var result = scenario.Run(machine);
            Assert.True(result.IsOk, $"{scenario.Name}: {string.Join('\n', result.Lines)}");
            machine.Sanitizer!.AssertClean();
        }

        Assert.Equal(0ul, machine.Iommu.FaultCount);
    }
}
