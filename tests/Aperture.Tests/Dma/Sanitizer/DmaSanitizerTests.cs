using System.Text.Json;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma.Sanitizer;

public sealed class DmaSanitizerTests
{
    [Fact]
    public void Assertion_lists_what_was_found()
    {
        using var rig = new SanitizedRig();
        rig.Sanitizer.AssertClean();
        Break(rig, rig.Direct);
        var e = Assert.Throws<SanitizerException>(rig.Sanitizer.AssertClean);
        Assert.Single(e.Findings);
        Assert.Contains("DoubleUnmap: direct: ", e.Message, StringComparison.Ordinal);
        Assert.Contains("made at DmaSanitizerTests.cs:", e.Message, StringComparison.Ordinal);
        Assert.Contains("do:        dispose each mapping once", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_mistake_with_the_same_buffer_is_one_finding()
    {
        using var rig = new SanitizedRig();
        var (block, other) = (rig.Memory.Allocate(64), rig.Memory.Allocate(64));
        for (var i = 0; i < 50; i++)
            Break(rig, rig.Direct, block);
        Assert.Equal(50, Assert.Single(rig.Sanitizer.Findings).Count);
        Break(rig, rig.Direct, other);
        Assert.Equal([50, 1], rig.Sanitizer.Findings.Select(finding => finding.Count));
        rig.Sanitizer.Clear();
        rig.Sanitizer.AssertClean();
    }

    [Fact]
    public void Findings_end_at_the_limit()
    {
        using var rig = new SanitizedRig(new SanitizerOptions { ErrorLimit = 1 });
        var heard = 0;
        rig.Sanitizer.Found += _ => heard++;
        Break(rig, rig.Direct);
        Break(rig, rig.Behind);
        Assert.Single(rig.Sanitizer.Findings);
        Assert.Equal((1, 1), (heard, rig.Sanitizer.Suppressed));
        Assert.Contains("1 more beyond the limit of 1", rig.Sanitizer.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Filters_choose_devices_drivers_and_kinds()
    {
        foreach (var options in (SanitizerOptions[])
            [
                new() { Devices = new HashSet<string> { "behind" } },
                new() { Drivers = new HashSet<string> { "nobody" } },
                new() { Ignored = new HashSet<FindingKind> { FindingKind.DoubleUnmap } },
            ])
        {
            using var rig = new SanitizedRig(options);
            Break(rig, rig.Direct);
            rig.Sanitizer.AssertClean();
        }
    }

    [Fact]
    public void Filters_keep_what_they_name()
    {
        using var rig = new SanitizedRig(
            new SanitizerOptions
            {
                Devices = new HashSet<string> { "behind" },
                Ignored = new HashSet<FindingKind> { FindingKind.WrongSize }
            });
        Break(rig, rig.Direct);
        Break(rig, rig.Behind);
        Assert.Equal(("behind", FindingKind.DoubleUnmap), (Assert.Single(rig.Sanitizer.Findings).Device, rig.Sanitizer.Findings[0].Kind));
        Assert.Equal(0, rig.Sanitizer.Suppressed);
    }

    [Fact]
    public void What_is_allowed_is_not_found()
    {
        using var rig = new SanitizedRig();
        using (rig.Sanitizer.Allow(rig.Direct))
        using (rig.Sanitizer.Allow(rig.Direct))
            Break(rig, rig.Direct);
        rig.Sanitizer.AssertClean();
        Break(rig, rig.Direct);
        Assert.Single(rig.Sanitizer.Findings);
    }

    [Fact]
    public void Json_tells_the_story()
    {
        using var rig = new SanitizedRig();
        var mapping = rig.Behind.Dma.Map(rig.Memory.Allocate(256), DmaDirection.FromDevice);
        mapping.Unmap();
        rig.Write(rig.Behind, mapping.Address + 16, 1);
        using var document = JsonDocument.Parse(FindingJson.Write(rig.Sanitizer));
        var finding = Assert.Single(document.RootElement.GetProperty("findings").EnumerateArray());
        Assert.Equal("DeviceUseAfterUnmap", finding.GetProperty("kind").GetString());
        Assert.Equal((mapping.Address + 16).ToString(), finding.GetProperty("address").GetString());
        Assert.Equal(1, finding.GetProperty("length").GetInt32());
        Assert.EndsWith("DmaSanitizerTests.cs", finding.GetProperty("mapping").GetProperty("ended").GetProperty("file").GetString(),
            StringComparison.Ordinal);
        Assert.Equal("Unmapped", finding.GetProperty("history")[0].GetProperty("end").GetString());
        Assert.Equal(MappingEnd.Unmapped, Assert.Single(rig.Sanitizer.HistoryOf(rig.Behind, mapping.Address)).End);
    }

    [Fact]
    public void Memory_stays_bounded_and_the_steady_state_allocates_nothing()
    {
        using var rig = new SanitizedRig();
        var block = rig.Memory.Allocate(4096);
        Turns(rig, block, 2000);
        // The least of some rounds: the runtime itself may allocate on this thread when it compiles or collects meanwhile.
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Turns(rig, block, 2000);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        rig.Sanitizer.AssertClean();
    }

    /// <summary>Ten million rounds with <c>APERTURE_LONG=1</c>: nothing grows, for small pieces and for more than a page.</summary>
    [Fact]
    public void Memory_is_flat_over_many_rounds()
    {
        var rounds = Environment.GetEnvironmentVariable("APERTURE_LONG") == "1" ? 10_000_000 : 50_000;
        using var rig = new SanitizedRig();
        var second = new Device("second");
        DmaAttach.Attach(second, rig.Core, rig.Platform);
        var devices = (Device[])[rig.Direct, second, rig.Direct]; // the fake unit in front of the others allocates
        var blocks = (MemoryBlock[])[.. Enumerable.Range(0, 3).Select(_ => rig.Memory.Allocate(0x4000))];
        blocks[1].Span.Clear(); // compared from now on
        Run(5_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(rounds);
        // A little is the runtime's own, when it compiles a loop anew.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 16);
        Assert.Equal(0, rig.Sanitizer.LiveMappings);
        rig.Sanitizer.AssertClean();

        void Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var which = i % 3;
                var first = devices[which].Dma.Map(blocks[which].Slice(i % 5 * 512, 512), DmaDirection.FromDevice);
                var other = devices[which].Dma.Map(blocks[which].Slice(0x1000, i % 4 == 0 ? 0x3000 : 0x800),
                    DmaDirection.ToDevice);
                rig.Write(devices[which], first.Address, 1, 2, 3);
                first.SyncForCpu();
                other.Unmap();
                first.Dispose();
            }
        }
    }

    [Fact]
    public void Contents_beyond_the_limit_are_not_watched_and_that_is_told()
    {
        using var rig = new SanitizedRig(new SanitizerOptions { ContentBytes = 4096 });
        var block = rig.Memory.Allocate(8192);
        using var mapping = rig.Direct.Dma.Map(block, DmaDirection.ToDevice);
        block.Span[0]++;
        Assert.Equal(1, rig.Sanitizer.UnwatchedContents);
        rig.Sanitizer.AssertClean();
    }

    private static void Turns(SanitizedRig rig, MemoryBlock block, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var mapping = rig.Direct.Dma.Map(block, DmaDirection.FromDevice);
            rig.Write(rig.Direct, mapping.Address, 1, 2, 3);
            mapping.SyncForCpu(0, 16);
            mapping.SyncForDevice(0, 16);
            mapping.Unmap();
        }
    }

    private static void Break(SanitizedRig rig, Device device) => Break(rig, device, rig.Memory.Allocate(64));

    private static void Break(SanitizedRig rig, Device device, MemoryBlock block)
    {
        var mapping = device.Dma.Map(block, DmaDirection.ToDevice);
        mapping.Unmap();
        rig.Sanitizer.OnCall(device.Dma,
            new DmaEvent
            {
                Kind = DmaEventKind.Unmap,
                Address = mapping.Address,
                Length = 64,
                Direction = DmaDirection.ToDevice,
                File = "driver.cs",
                Line = 1
            });
    }
}
