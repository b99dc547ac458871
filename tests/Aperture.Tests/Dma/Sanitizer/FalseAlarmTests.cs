using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Dma.Shared;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Drivers that are right and were told once that they are not: each is a kind.</summary>
public sealed class FalseAlarmTests
{
    private static readonly string[] s_paths =
    [
        "direct", "direct-noncoherent", "direct-noncoherent-chaos", "direct-noncoherent-armv7-chaos", "direct-noncoherent-mips-chaos",
        "iommu",
        "iommu-noncoherent-armv7", "iommu-noncoherent-mips-chaos", "bounce", "bounce-noncoherent-armv7-chaos", "bounce-noncoherent-mips",
        "untrusted-noncoherent-chaos",
    ];

    /// <summary>Caches whose lines come and go, with each way to maintain them, and without.</summary>
    public static TheoryData<string> Paths => [.. s_paths];

    private static DmaRig Make(string path) => DmaRig.Make(path, chaos: 17, isSanitized: true);

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_device_joins_the_cpu_s_reading_and_the_cpu_looks_again(string path)
    {
        using var rig = Make(path);
        using var buffer = SharedBuffer.Allocate(rig.Memory, 0x1000);
        var address = buffer.Attach(rig.Device);
        using (buffer.TryBegin(null, DmaDirection.FromDevice))
            buffer.Block.Span.Fill(7);
        using (buffer.TryBegin(null, DmaDirection.ToDevice))
        {
            _ = buffer.Block.Span[0];
            using (buffer.TryBegin(rig.Device, DmaDirection.ToDevice))
            {
                _ = buffer.Block.Span[0];
                rig.Read(address, new byte[0x1000]);
                _ = buffer.Block.Span[0];
            }

            _ = buffer.Block.Span[0];
        }

        rig.Sanitizer!.AssertClean();
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_segment_of_several_pieces_is_synced_by_its_address(string path)
    {
        using var rig = Make(path);
        var pages = rig.Memory.Allocate(0x3000);
        MemoryBlock[] pieces = [pages.Slice(0, 0x1000), pages.Slice(0x1000, 0x1000), pages.Slice(0x2000, 0x800)];
        using (var list = rig.Dma.MapScatter(pieces, new DmaSegment[3], DmaDirection.Bidirectional))
        {
            foreach (var segment in list.Segments)
            {
                rig.Write(segment.Address, new byte[segment.Length]);
                rig.Dma.SyncForCpu(segment.Address, segment.Length, DmaDirection.Bidirectional);
            }

            foreach (var piece in pieces)
                piece.Span[9]++;
            foreach (var segment in list.Segments)
            {
                rig.Dma.SyncForDevice(segment.Address, segment.Length, DmaDirection.Bidirectional);
                rig.Read(segment.Address, new byte[segment.Length]);
            }
        }

        rig.Sanitizer!.AssertClean();
    }

    [Fact]
    public void A_device_saves_its_context_while_it_is_suspended()
    {
        using var machine = new FakeMachine();
        using var sanitizer = DmaSanitizer.Watch(machine.Core.Dma, machine.Memory.Memory);
        var buffer = default(CoherentBuffer);
        var driver = machine.Driver("d");
        driver.OnProbe = device => buffer = device.Dma.Allocate(64);
        driver.OnCall = (device, what) =>
        {
            if (what is "suspend" or "resume" or "sleep" or "wake")
                sanitizer.OnWrite(device, buffer.Address, buffer.Memory.Address, [1], AccessOutcome.Done);
        };
        var device = FakeMachine.Device("dev", "d");
        machine.Core.Add(device);
        device.Power.Get();
        machine.Core.Suspend();
        machine.Core.Resume();
        device.Power.Put();
        Assert.Contains("dev suspend", machine.Calls);
        Assert.Contains("dev sleep", machine.Calls);
        sanitizer.AssertClean();
        sanitizer.OnWrite(device, buffer.Address, buffer.Memory.Address, [1], AccessOutcome.Done);
        Assert.Equal(FindingKind.DeviceSuspended, Assert.Single(sanitizer.Findings).Kind);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void The_header_is_synced_the_frame_dropped_and_the_whole_buffer_given_back(string path)
    {
        using var rig = Make(path);
        var block = rig.Memory.Allocate(0x1000);
        var random = new Random(3);
        var frame = new byte[0x800];
        using (var mapping = rig.Dma.Map(block.Slice(0, 0x800), DmaDirection.FromDevice))
        {
            rig.Write(mapping.Address, frame); // all of it once: what is written later may be less
            for (var i = 0; i < 40; i++)
            {
                random.NextBytes(frame);
                rig.Write(mapping.Address, frame.AsSpan(0, 64 * random.Next(2, 32)));
                mapping.SyncForCpu(0, 64);
                _ = block.Slice(0, 64).Span[0];
                mapping.SyncForDevice();
            }
        }

        rig.Sanitizer!.AssertClean();
    }

    [Theory]
    [InlineData("freed")]
    [InlineData("allocated")]
    [InlineData("mapped")]
    [InlineData("filled")]
    public void Suspicion_of_a_dropped_page_ends_with_the_memory(string how)
    {
        using var rig = Make("direct-noncoherent");
        var page = rig.Memory.Allocate(0x1000);
        var mapping = rig.Dma.Map(page, DmaDirection.FromDevice);
        rig.Write(mapping.Address, new byte[] { 1, 2, 3 });
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        switch (how)
        {
            case "freed":
                rig.Memory.Free(page);
                page = rig.Memory.Allocate(0x1000);
                break;
            case "allocated":
                rig.Memory.Free(page);
                using (var buffer = rig.Dma.Allocate(0x1000))
                    _ = buffer.Span[0];
                break;
            case "mapped":
                rig.Dma.Map(page, DmaDirection.FromDevice).Unmap();
                break;
            default:
                page.Span.Fill(5); // no look
                break;
        }

        if (how != "allocated")
            _ = page.Span[0];
        rig.Sanitizer!.AssertClean();
    }

    [Theory]
    [InlineData(DmaDirection.ToDevice)]
    [InlineData(DmaDirection.FromDevice)]
    [InlineData(DmaDirection.Bidirectional)]
    public void The_first_sync_for_the_device_of_pages_that_are_dirty(DmaDirection direction)
    {
        foreach (var path in s_paths)
        {
            using var rig = Make(path);
            var block = rig.Memory.Allocate(0x2000);
            block.Span.Fill(0x11);
            using (var mapping = rig.Dma.Map(block, direction, DmaAttributes.SkipCpuSync))
            {
                block.Slice(0, 64).Span.Fill(0x22);
                mapping.SyncForDevice();
                if (direction == DmaDirection.ToDevice)
                    rig.Read(mapping.Address, new byte[0x2000]);
                else
                    rig.Write(mapping.Address, new byte[0x2000]);
                mapping.SyncForCpu();
            }

            _ = block.Span[0];
            rig.Sanitizer!.AssertClean();
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Whoever_asks_whether_syncs_are_needed_is_told_so(string path)
    {
        using var rig = Make(path);
        var block = rig.Memory.Allocate(0x1000);
        using var mapping = rig.Dma.Map(block, DmaDirection.FromDevice);
        rig.Write(mapping.Address, new byte[64]);
        Assert.True(mapping.NeedsSync);
        Assert.True(rig.Dma.NeedsSync(mapping.Address));
    }

    [Fact]
    public void A_fill_of_what_the_device_owns_is_a_write_and_no_look()
    {
        using var rig = Make("iommu");
        var block = rig.Memory.Allocate(0x1000);
        using var mapping = rig.Dma.Map(block, DmaDirection.FromDevice);
        block.Slice(16, 16).Span.Fill(3);
        mapping.SyncForCpu();
        var finding = Assert.Single(rig.Sanitizer!.Findings);
        Assert.Equal((FindingKind.CpuWriteWithoutSync, mapping.Address + 16, 16ul), (finding.Kind, finding.Address, finding.Length));
    }

    [Fact]
    public void What_a_driver_says_it_knows_is_no_finding_on_that_line()
    {
        using var rig = Make("iommu");
        var block = rig.Memory.Allocate(0x1000);
        using var mapping = rig.Dma.Map(block, DmaDirection.FromDevice);
        using (DmaSanitizer.Known(FindingKind.CpuReadBeforeSync))
            _ = block.Span[0];
        using (DmaSanitizer.Known(FindingKind.DeviceOutsideMapping))
            _ = block.Slice(0, 8).Span[0];
        Assert.Equal(8ul, Assert.Single(rig.Sanitizer!.Findings).Length);
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("iommu")]
    public void A_span_of_more_than_a_mapping_is_the_driver_s_own(string path)
    {
        using var rig = Make(path);
        var page = rig.Memory.Allocate(0x1000);
        using var mapping = rig.Dma.Map(page.Slice(0x800, 0x800), DmaDirection.FromDevice);
        rig.Write(mapping.Address, new byte[64]);
        page.Span[..0x800].Fill(4);
        rig.Sanitizer!.AssertClean();
    }

    [Fact]
    public void Syncs_of_just_what_the_device_wrote_let_the_cpu_take_all()
    {
        using var rig = Make("direct");
        var block = rig.Memory.Allocate(0x1000);
        using var mapping = rig.Dma.Map(block, DmaDirection.FromDevice);
        rig.Write(mapping.Address, new byte[60]);
        mapping.SyncForCpu(0, 60);
        _ = block.Span[..60].Length;
        rig.Sanitizer!.AssertClean();
    }

    [Fact]
    public void Whole_lines_of_one_structure_are_the_device_s_and_the_cpu_s()
    {
        using var rig = Make("direct-noncoherent-chaos");
        var structure = rig.Memory.Allocate(0x1000);
        using (var mapping = rig.Dma.Map(structure.Slice(64, 64), DmaDirection.FromDevice))
        {
            structure.Slice(128, 16).Span.Fill(0x77);
            rig.Write(mapping.Address, new byte[64]);
            structure.Slice(0, 64).Span.Fill(0x77);
        }

        rig.Sanitizer!.AssertClean();
    }
}
