using Aperture.Boards.Running;
using Aperture.Boards.Tests.Trees;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Datasheets.Nvme;
using Aperture.DeviceTrees;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.Nvme;
using Aperture.Hardware.Nvme;
using Aperture.Iommu;

namespace Aperture.Boards.Tests.Running;

public sealed class NvmeScenarioTests
{
    private const long Small = 1 << 20;

    /// <summary>Bytes that the long tests move: 1 GiB with APERTURE_LONG=1.</summary>
    private static long Much => Environment.GetEnvironmentVariable("APERTURE_LONG") == "1" ? 1L << 30 : 8 << 20;

    private static DeviceTree Tree(bool isCoherent)
    {
        var tree = Runs.Own("virt-arm64");
        return isCoherent ? tree : new TreeEdit(tree).Without(tree.Find("/pcie@3f000000")!, "dma-coherent").Build();
    }

    private static Machine Boot(bool isCoherent = true, int? slice = null) => Machine.Boot(Tree(isCoherent), new MachineOptions
    {
        Sanitizer = new SanitizerOptions(),
        CpuCaches = isCoherent ? null : new CpuCacheOptions { ChaosSeed = 7 },
        MasterSlice = slice,
    });

    [Fact]
    public void Equal_seeds_say_the_same_and_both_ways_to_invalidate_are_run()
    {
        var lines = new List<string>();
        for (var round = 0; round < 2; round++)
        {
            using var machine = Boot();
            var result = new NvmeScenario().Run(machine, new WorkloadOptions { Bytes = Small, Seed = 5 });
            Assert.True(result.IsOk, string.Join('\n', result.Lines));
            Assert.Equal(["strict", "deferred", "strict", "deferred"], result.Lines.Select(line => line.Split('(', ')')[1]));
            Assert.Equal(20, result.Times.Count);
            Assert.All(result.Times, phase => Assert.True(phase.Bytes >= 256 << 10 && phase.Nanoseconds.All(time => time > 0), phase.Name));
            lines.AddRange(result.Lines);
            var device = machine.PciHosts[0].Bridge!.Devices[0].Device;
            Assert.Equal(DomainType.Dma, device.Iommu!.Domain!.Type); // as it was before
            Assert.Equal(4, Assert.IsType<NvmeClient>(device.Bound).Queues);
        }

        Assert.Equal(lines[..4], lines[4..]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Everything_is_read_as_it_was_written(bool isCoherent)
    {
        using var machine = Boot(isCoherent);
        var result = new NvmeScenario().Run(machine, new WorkloadOptions { Bytes = Much });
        Assert.True(result.IsOk, string.Join('\n', result.Lines));
        Assert.True(result.Times.Sum(phase => phase.Bytes) > Much * 9 / 10);
        machine.Drivers.Unbind(machine.PciHosts[0].Device);
        machine.Sanitizer!.AssertClean();
    }

    [Fact]
    public void Controllers_may_take_their_time()
    {
        using var machine = Boot(slice: 4096);
        var result = new NvmeScenario().Run(machine, new WorkloadOptions { Bytes = Small });
        Assert.True(result.IsOk, string.Join('\n', result.Lines));
        Assert.True(machine.Clock.Elapsed > TimeSpan.Zero);
    }

    [Fact]
    public void A_write_that_is_lost_is_told_with_the_seed()
    {
        using var machine = Boot();
        var model = ((NvmeFunction)machine.PciHosts[0].Model.Root.Functions[0]).Controller;
        var writes = 0;
        model.Inject = (queue, command) =>
            queue > 0 && (NvmeOpcode)command.Opcode == NvmeOpcode.Write && ++writes == 2 ? NvmeStatus.Success : null;
        var result = new NvmeScenario().Run(machine, new WorkloadOptions { Bytes = Small, Seed = 9 });
        Assert.False(result.IsOk);
        Assert.Contains("are not what was written (seed 9)", result.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith("all as it was written", result.Lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_not_for_boards_without_a_controller_and_not_for_less_than_a_megabyte()
    {
        using var edu = Machine.Boot(Runs.Own("edu"));
        var scenario = new NvmeScenario();
        Assert.False(scenario.AppliesTo(edu));
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => scenario.Run(edu)).Status);
        using var machine = Boot();
        var failure = Assert.Throws<ApertureException>(() => scenario.Run(machine, new WorkloadOptions { Bytes = 1000 }));
        Assert.Equal("1000 bytes are too few for a workload: at least 1048576", failure.Message);
    }
}
