using Aperture.Boards.Running;
using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Tests.Running;
using Aperture.Core.Memory;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Drivers.DmaMaster;
using Xunit.Abstractions;

namespace Aperture.Boards.Tests.Sanitizer;

/// <summary>Our boards, with real units, masters and drivers, watched.</summary>
public sealed class SanitizedBoardTests(ITestOutputHelper output)
{
    public static TheoryData<string> Boards => BoardFiles.Names(BoardFiles.Own);

    [Theory]
    [MemberData(nameof(Boards))]
    public void Self_test_and_scenarios_are_clean(string board)
    {
        using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { Sanitizer = new SanitizerOptions() });
        Runs.AssertAllHeld(machine);
        foreach (var scenario in Scenarios.All.Where(scenario => scenario.AppliesTo(machine)))
            Assert.True(scenario.Run(machine).IsOk, scenario.Name);
        machine.Sanitizer!.AssertClean();
        Assert.Equal(0, machine.Sanitizer.UnwatchedContents);
    }

    [Fact]
    public void Random_legal_transfers_of_a_device_that_does_not_snoop_find_nothing()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        foreach (var chaos in (int?[])[null, seed])
        {
            using var machine = Boot(chaos);
            var client = Client(machine);
            var dma = client.Device.Dma;
            using var hold = client.Device.Power.Hold();
            var line = dma.CacheAlignment;
            Assert.True(line > 1);
            for (var i = 0; i < 2000; i++)
            {
                var whole = dma.Memory.Allocate(8192);
                var start = random.Next(64) * line;
                var block = whole.Slice(start, random.Next(1, 60) * line);
                var direction = (DmaDirection)random.Next(3);
                var pattern = (ulong)random.NextInt64();
                DmaMasterPattern(block, pattern);
                using (var mapping = dma.Map(block, direction))
                {
                    for (var turn = random.Next(4); turn > 0; turn--)
                    {
                        if (direction == DmaDirection.ToDevice)
                            Assert.True(client.Verify(0, mapping.Address, mapping.Length, pattern).IsOk);
                        else
                            Assert.True(client.Fill(0, mapping.Address, mapping.Length, ++pattern).IsOk);
                        if (random.Next(2) == 0)
                            continue;
                        mapping.SyncForCpu();
                        if (direction != DmaDirection.FromDevice)
                            DmaMasterPattern(block, ++pattern);
                        else
                            _ = block.Span[0];
                        mapping.SyncForDevice();
                    }
                }

                _ = block.Span[0];
                dma.Memory.Free(whole);
            }

            machine.Sanitizer!.AssertClean();
        }
    }

    [Fact]
    public void Device_reads_what_is_still_in_the_cache()
    {
        using var machine = Boot(null);
        var client = Client(machine);
        var block = client.Device.Dma.Memory.Allocate(4096);
        client.Device.Dma.Memory.Clean(block.Address, 4096);
        block.Span[100] = 1;
        using var mapping = client.Device.Dma.Map(block, DmaDirection.ToDevice, DmaAttributes.SkipCpuSync);
        Assert.True(client.Read(0, mapping.Address, 256).IsOk);
        Expect(machine, FindingKind.DeviceReadBehindCache, client, mapping.Address, 100, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Two_mappings_share_a_cache_line(bool isList)
    {
        using var machine = Boot(null);
        var client = Client(machine);
        var block = client.Device.Dma.Memory.Allocate(4096);
        using var first = client.Device.Dma.Map(block.Slice(0, 96), DmaDirection.ToDevice);
        if (isList)
        {
            using var list = client.Device.Dma.MapScatter([block.Slice(96, 160)], new DmaSegment[1], DmaDirection.FromDevice);
            Expect(machine, FindingKind.SharedCacheLine, client, list.Segments[0].Address, 0, 160);
            return;
        }

        using var second = client.Device.Dma.Map(block.Slice(96, 160), DmaDirection.FromDevice);
        Expect(machine, FindingKind.SharedCacheLine, client, second.Address, 0, 160);
    }

    [Fact]
    public void Cpu_write_behind_the_device_s_back_is_found_behind_the_caches()
    {
        using var machine = Boot(null);
        var client = Client(machine);
        var block = client.Device.Dma.Memory.Allocate(4096);
        var bytes = block.Span;
        using var mapping = client.Device.Dma.Map(block, DmaDirection.Bidirectional);
        Assert.True(client.Fill(0, mapping.Address, 4096, 1).IsOk); // the CPU's caches are stale now, which is no mistake
        bytes[200]++;
        Assert.True(client.Read(0, mapping.Address, 4096).IsOk);
        Expect(machine, FindingKind.CpuWriteWithoutSync, client, mapping.Address, 200, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cpu_looks_at_stale_lines_after_an_unmap_without_a_sync(bool isList)
    {
        using var machine = Boot(null);
        var client = Client(machine);
        var block = client.Device.Dma.Memory.Allocate(4096);
        client.Device.Dma.Memory.Clean(block.Address, 4096);
        if (isList)
        {
            var list = client.Device.Dma.MapScatter([block], new DmaSegment[1], DmaDirection.FromDevice);
            Assert.True(client.Fill(0, list.Segments[0].Address, 256, 3).IsOk);
            list.Unmap(DmaAttributes.SkipCpuSync);
        }
        else
        {
            var mapping = client.Device.Dma.Map(block, DmaDirection.FromDevice, DmaAttributes.SkipCpuSync);
            Assert.True(client.Fill(0, mapping.Address, 256, 3).IsOk);
            mapping.Unmap(DmaAttributes.SkipCpuSync);
        }

        _ = block.Span[0];
        var finding = Assert.Single(machine.Sanitizer!.Findings);
        Assert.Equal((FindingKind.CpuReadBeforeSync, client.Device.Name), (finding.Kind, finding.Device));
    }

    [Fact]
    public void Master_writes_too_far()
    {
        using var machine = Boot(null);
        var client = Client(machine);
        using var mapping = client.Device.Dma.Map(client.Device.Dma.Memory.Allocate(4096).Slice(0, 128), DmaDirection.FromDevice);
        Assert.True(client.Fill(0, mapping.Address, 160, 3).IsOk);
        Expect(machine, FindingKind.DeviceOutsideMapping, client, mapping.Address, 128, 32);
    }

    [Fact]
    public void Master_uses_a_buffer_after_its_end()
    {
        using var machine = Boot(null);
        var client = Client(machine);
        using var hold = client.Device.Power.Hold();
        var mapping = client.Device.Dma.Map(client.Device.Dma.Memory.Allocate(4096), DmaDirection.FromDevice);
        mapping.Unmap();
        Assert.True(client.Fill(0, mapping.Address, 64, 3).IsBlocked);
        var finding = machine.Sanitizer!.Findings[0];
        Assert.Equal(
            (FindingKind.DeviceUseAfterUnmap, client.Device.Name, "dma-master", mapping.Address),
            (finding.Kind, finding.Device, finding.Driver, finding.Address));
    }

    private static Machine Boot(int? chaos) => Machine.Boot(
        Runs.Own("omap3-isp"),
        new MachineOptions { Sanitizer = new SanitizerOptions(), CpuCaches = new CpuCacheOptions { ChaosSeed = chaos } });

    private static DmaMasterClient Client(Machine machine) =>
        machine.Masters.Select(master => master.Device?.Bound).OfType<DmaMasterClient>().First();

    private static void DmaMasterPattern(MemoryBlock block, ulong pattern) =>
        Datasheets.DmaMaster.DmaMasterPattern.Fill(block.Span, pattern, 0);

    private static void Expect(Machine machine, FindingKind kind, DmaMasterClient client, Core.Iova mapping, ulong offset, ulong length)
    {
        var finding = Assert.Single(machine.Sanitizer!.Findings);
        Assert.True(
            (kind, client.Device.Name, mapping + offset, length) == (finding.Kind, finding.Device, finding.Address, finding.Length),
            finding.ToString());
    }
}
