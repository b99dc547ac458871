using Aperture.Core;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;
using Aperture.Dma.Shared;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma.Sanitizer;

/// <summary>Drivers that are broken and of which nothing was told once: bytes are lost, or reach who has no business with them. Each is a
/// kind, on every path.</summary>
public sealed unsafe class LostBytesTests
{
    private static readonly string[] s_paths =
    [
        "direct", "direct-noncoherent", "direct-noncoherent-armv7", "iommu", "iommu-noncoherent-mips", "bounce", "bounce-noncoherent",
        "untrusted-noncoherent",
    ];

    public static TheoryData<string> Paths => [.. s_paths];

    private static DmaRig Make(string path) => DmaRig.Make(path, chaos: 5, isSanitized: true);

    private static DmaFinding Single(DmaRig rig, FindingKind kind, Iova address, ulong length)
    {
        var finding = Assert.Single(rig.Sanitizer!.Findings);
        Assert.True((kind, address, length) == (finding.Kind, finding.Address, finding.Length), finding.ToString());
        Assert.True(finding.Where.IsKnown || finding.Mapping is { Made.IsKnown: true }, finding.ToString());
        return finding;
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void What_the_cpu_wrote_in_its_turn_is_lost_at_the_unmap(string path)
    {
        using var rig = Make(path);
        var block = rig.Memory.Allocate(0x1000);
        var mapping = rig.Dma.Map(block.Slice(0, 0x800), DmaDirection.Bidirectional);
        rig.Write(mapping.Address, new byte[0x800]);
        mapping.SyncForCpu(0, 0x100);
        block.Slice(0x20, 4).Span.Fill(9);
        mapping.Unmap();
        var finding = Single(rig, FindingKind.CpuWriteWithoutSync, mapping.Address + 0x20, 4);
        Assert.Contains("did not give them back: the unmap", finding.Message, StringComparison.Ordinal);
        Assert.Equal("LostBytesTests.cs", Path.GetFileName(finding.Where.File));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void What_the_cpu_wrote_in_its_turn_is_lost_at_the_next_sync_for_the_cpu(string path)
    {
        using var rig = Make(path);
        var block = rig.Memory.Allocate(0x1000);
        using var mapping = rig.Dma.Map(block.Slice(0, 0x800), DmaDirection.FromDevice);
        rig.Write(mapping.Address, new byte[0x800]);
        mapping.SyncForCpu(0, 0x100);
        block.Slice(0x20, 4).Span.Fill(9);
        mapping.SyncForCpu();
        Single(rig, FindingKind.CpuWriteWithoutSync, mapping.Address + 0x20, 4);
    }

    [Fact]
    public void What_the_cpu_wrote_in_its_turn_is_its_own_where_nothing_is_brought_back()
    {
        foreach (var path in s_paths)
        {
            using var rig = Make(path);
            var block = rig.Memory.Allocate(0x1000);
            var mapping = rig.Dma.Map(block, DmaDirection.ToDevice);
            mapping.SyncForCpu(0, 0x100);
            block.Slice(0x20, 4).Span.Fill(9);
            mapping.Unmap();
            mapping = rig.Dma.Map(block, DmaDirection.FromDevice);
            rig.Write(mapping.Address, new byte[0x1000]);
            mapping.SyncForCpu();
            block.Slice(0x20, 4).Span.Fill(9);
            mapping.Unmap(DmaAttributes.SkipCpuSync);
            _ = block.Span[0];
            rig.Sanitizer!.AssertClean();
        }
    }

    [Theory]
    [InlineData("bounce")]
    [InlineData("bounce-noncoherent")]
    [InlineData("untrusted-noncoherent")]
    public void What_the_device_wrote_is_lost_at_a_sync_for_the_device(string path)
    {
        using var rig = Make(path);
        var block = rig.Memory.Allocate(0x1000).Slice(0, 0x800);
        using var mapping = rig.Dma.Map(block, DmaDirection.Bidirectional);
        rig.Write(mapping.Address + 0x40, new byte[] { 1, 2, 3, 4 });
        mapping.SyncForDevice();
        Single(rig, FindingKind.DeviceWriteLost, mapping.Address + 0x40, 4);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void The_mapping_ends_without_a_sync_and_the_cpu_looks(string path)
    {
        using var rig = Make(path);
        var block = rig.Memory.Allocate(0x1000);
        var mapping = rig.Dma.Map(block.Slice(0, 0x800), DmaDirection.FromDevice);
        var data = new byte[512];
        new Random(1).NextBytes(data);
        rig.Write(mapping.Address, data);
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        _ = block.Slice(0, 0x800).Span[0];
        var finding = Single(rig, FindingKind.CpuReadBeforeSync, mapping.Address, 512);
        Assert.Equal(("LostBytesTests.cs", MappingEnd.Unmapped), (Path.GetFileName(finding.Where.File), finding.Mapping!.Value.End));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void After_a_rightful_look_the_cpu_looks_at_the_stale_rest(string path)
    {
        using var rig = Make(path);
        var block = rig.Memory.Allocate(0x1000);
        var mapping = rig.Dma.Map(block.Slice(0, 0x800), DmaDirection.FromDevice);
        rig.Write(mapping.Address, new byte[512]);
        mapping.SyncForCpu(0, 64);
        mapping.Unmap(DmaAttributes.SkipCpuSync);
        _ = block.Slice(0, 64).Span[0];
        rig.Sanitizer!.AssertClean();
        _ = block.Slice(0, 256).Span[0];
        Single(rig, FindingKind.CpuReadBeforeSync, mapping.Address + 64, 192);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_span_that_was_synced_in_part_is_taken_whole(bool isSlice)
    {
        foreach (var path in s_paths)
        {
            using var rig = Make(path);
            var block = rig.Memory.Allocate(0x1000);
            using var mapping = rig.Dma.Map(block, DmaDirection.FromDevice);
            rig.Write(mapping.Address, new byte[512]);
            mapping.SyncForCpu(0, 256);
            _ = (isSlice ? block.Slice(0, 512) : block).Span[0];
            Single(rig, FindingKind.CpuReadBeforeSync, mapping.Address + 256, 256);
        }
    }

    [Theory]
    [InlineData(256, 512)]
    [InlineData(0, 64)]
    public void The_same_bytes_are_twice_in_one_scatterlist_from_the_device(int start, int length)
    {
        foreach (var path in s_paths)
        {
            using var rig = Make(path);
            var block = rig.Memory.Allocate(0x1000);
            using (rig.Dma.MapScatter([block.Slice(0, 512), block.Slice(start, length)], new DmaSegment[2], DmaDirection.ToDevice))
                rig.Sanitizer!.AssertClean();
            using var list = rig.Dma.MapScatter([block.Slice(0, 512), block.Slice(start, length)], new DmaSegment[2],
                DmaDirection.FromDevice);
            var finding = Assert.Single(rig.Sanitizer!.Findings);
            Assert.Equal((FindingKind.OverlappingMappings, (ulong)Math.Min(length, 512 - start)), (finding.Kind, finding.Length));
            Assert.Contains("same scatterlist", finding.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("direct-noncoherent")]
    [InlineData("direct-noncoherent-chaos")]
    [InlineData("direct")]
    [InlineData("iommu")]
    public void The_cpu_writes_the_field_beside_a_small_buffer(string path)
    {
        foreach (var at in (int[])[16, 64 + 48])
        {
            using var rig = Make(path);
            var structure = rig.Memory.Allocate(0x1000);
            var mapping = rig.Dma.Map(structure.Slice(at, 16), DmaDirection.FromDevice);
            structure.Slice(at + (at < 64 ? 16 : -16), 16).Span.Fill(0x77);
            rig.Write(mapping.Address, new byte[16]);
            mapping.Unmap();
            var finding = Single(rig, FindingKind.SharedCacheLine, mapping.Address, 16);
            Assert.Contains($"0x10 bytes at {structure.Address + (ulong)(at + (at < 64 ? 16 : -16))}", finding.Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_line_is_shared_whatever_was_mapped_first(bool isSnooperFirst)
    {
        using var rig = Make("direct-noncoherent");
        var snooper = new Device("snooper") { Description = new DeviceDescription { IsCoherent = true } };
        Aperture.Dma.Operations.DmaAttach.Attach(snooper, rig.Core, rig.Platform);
        var block = rig.Memory.Allocate(0x1000);
        var (first, second) = isSnooperFirst ? (snooper, rig.Device) : (rig.Device, snooper);
        using var one = first.Dma.Map(block.Slice(0, 96), DmaDirection.FromDevice);
        using var other = second.Dma.Map(block.Slice(96, 160), DmaDirection.FromDevice);
        Assert.Equal(FindingKind.SharedCacheLine, Assert.Single(rig.Sanitizer!.Findings).Kind);
    }

    [Fact]
    public void A_device_uses_a_shared_buffer_out_of_turn_or_writes_while_it_may_read()
    {
        using var rig = new SanitizedRig();
        using var buffer = SharedBuffer.Allocate(rig.Memory, 0x1000);
        var address = buffer.AttachAll([rig.Behind, rig.Other]);
        rig.Read(rig.Behind, address, 64);
        Assert.Contains("not its turn", rig.Single(FindingKind.DeviceOutOfTurn, rig.Behind, address, 64).Message, StringComparison.Ordinal);
        rig.Sanitizer.Clear();
        using (buffer.TryBegin(rig.Other, DmaDirection.FromDevice))
        {
            rig.Write(rig.Other, address, 1);
            rig.Sanitizer.AssertClean();
            rig.Write(rig.Behind, address, 1, 2);
            rig.Single(FindingKind.DeviceOutOfTurn, rig.Behind, address, 2);
            rig.Sanitizer.Clear();
        }

        using (buffer.TryBegin(rig.Behind, DmaDirection.ToDevice))
        {
            rig.Read(rig.Behind, address, 64);
            rig.Sanitizer.AssertClean();
            rig.Write(rig.Behind, address + 8, 1, 2, 3);
            var finding = rig.Single(FindingKind.DeviceOutOfTurn, rig.Behind, address + 8, 3);
            Assert.Contains("which is to read", finding.Message, StringComparison.Ordinal);
            Assert.True(finding.Mapping!.Value.Made.IsKnown);
        }
    }

    [Fact]
    public void A_block_of_coherent_memory_is_used_after_it_was_given_back()
    {
        foreach (var isBehind in (bool[])[true, false])
        {
            using var rig = new SanitizedRig();
            var device = isBehind ? rig.Behind : rig.Direct;
            using var blocks = new CoherentBlocks(device.Dma, 64);
            var (block, kept) = (blocks.Allocate(), blocks.Allocate());
            rig.Write(device, block.Address, 1, 2);
            rig.Read(device, kept.Address, 64);
            rig.Sanitizer.AssertClean();
            block.Dispose();
            rig.Write(device, block.Address + 4, 1, 2);
            var finding = rig.Single(FindingKind.DeviceUseAfterUnmap, device, block.Address + 4, 2);
            Assert.Equal(("LostBytesTests.cs", "LostBytesTests.cs"),
                (Path.GetFileName(finding.Mapping!.Value.Made.File), Path.GetFileName(finding.Mapping.Value.Ended.File)));
            using var next = blocks.Allocate();
            rig.Sanitizer.Clear();
            rig.Write(device, next.Address + 4, 1, 2);
            rig.Sanitizer.AssertClean();
            rig.Write(device, kept.Address + 64, 1);
            rig.Single(FindingKind.DeviceOutsideMapping, device, kept.Address + 64, 1);
            kept.Dispose();
        }
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void Dma_after_the_driver_let_go_of_the_device(bool isBehind, bool isLeaked)
    {
        using var machine = new FakeMachine();
        using var sanitizer = DmaSanitizer.Watch(machine.Core.Dma, machine.Memory.Memory);
        machine.UnitDriver();
        machine.Driver("d");
        var unit = FakeMachine.Device("unit", "iommu");
        machine.Core.Add(unit);
        var device = isBehind ? FakeMachine.Master("dev", "d", (unit, 1)) : FakeMachine.Device("dev", "d");
        var other = FakeMachine.Device("other", "d");
        machine.Core.Add(device);
        machine.Core.Add(other);
        var block = machine.Memory.Allocate(0x1000);
        var mapping = device.Dma.Map(block, DmaDirection.FromDevice);
        if (!isLeaked)
            mapping.Unmap();
        var outcome = isBehind ? AccessOutcome.Refused : AccessOutcome.Done;
        machine.Core.Unbind(device);
        sanitizer.Clear();
        using (other.Dma.Map(block, DmaDirection.ToDevice))
            sanitizer.OnWrite(device, mapping.Address + 8, block.Address + 8, [0, 0], outcome);
        var finding = Assert.Single(sanitizer.Findings);
        Assert.True((FindingKind.DeviceUseAfterUnmap, "dev", mapping.Address + 8, 2ul)
            == (finding.Kind, finding.Device, finding.Address, finding.Length), finding.ToString());
        Assert.Contains("after its driver fake had let go of the device", finding.Message, StringComparison.Ordinal);
        Assert.Contains(isBehind ? "refused" : "other has that memory mapped now", finding.Message, StringComparison.Ordinal);
        Assert.Equal((isLeaked ? MappingEnd.Leaked : MappingEnd.Unmapped, "LostBytesTests.cs"),
            (finding.Mapping!.Value.End, Path.GetFileName(finding.Mapping.Value.Made.File)));

        // The next driver did nothing wrong, and did not map it either.
        sanitizer.Clear();
        Assert.True(machine.Core.Bind(device));
        using var hold = device.Power.Hold();
        sanitizer.OnWrite(device, mapping.Address + 8, block.Address + 8, [0, 0], outcome);
        finding = Assert.Single(sanitizer.Findings);
        Assert.Equal(FindingKind.DeviceUseAfterUnmap, finding.Kind);
        Assert.Contains("from before its driver fake let go", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_address_that_nothing_maps_is_refused_and_the_nearest_mappings_are_named()
    {
        using var rig = new SanitizedRig();
        var block = rig.Memory.Allocate(0x8000);
        using var low = rig.Behind.Dma.MapAt(block.Slice(0, 0x1000), new Iova(0x40000000), DmaDirection.FromDevice);
        using var high = rig.Behind.Dma.MapAt(block.Slice(0x4000, 0x1000), new Iova(0x40010000), DmaDirection.FromDevice);
        Assert.False(rig.Write(rig.Behind, new Iova(0x40004010), 1, 2));
        var finding = rig.Single(FindingKind.DeviceUseOfUnmapped, rig.Behind, new Iova(0x40004010), 2);
        Assert.Contains("refused", finding.Message, StringComparison.Ordinal);
        Assert.Contains($"0x3010 bytes behind the end of 0x1000 bytes at {low.Address}", finding.Message, StringComparison.Ordinal);
        Assert.Contains($"0xbfee bytes before the start of 0x1000 bytes at {high.Address}", finding.Message, StringComparison.Ordinal);
        Assert.Equal([low.Address, high.Address], finding.Nearest.Select(mapping => mapping.Address));
        Assert.All(finding.Nearest, mapping => Assert.Equal("LostBytesTests.cs", Path.GetFileName(mapping.Made.File)));
    }

    [Fact]
    public void An_offset_without_a_base_and_a_physical_address_look_like_it()
    {
        using var rig = new SanitizedRig();
        var block = rig.Memory.Allocate(0x1000);
        using var mapping = rig.Behind.Dma.Map(block, DmaDirection.FromDevice);
        Assert.False(rig.Write(rig.Behind, new Iova(0x10), 1));
        Assert.Contains("an offset without a base", rig.Single(FindingKind.DeviceUseOfUnmapped, rig.Behind, new Iova(0x10), 1).Message,
            StringComparison.Ordinal);
        rig.Sanitizer.Clear();
        Assert.False(rig.Write(rig.Behind, new Iova(block.Address.Value + 0x20), 1));
        Assert.Contains($"it is the physical address of byte 0x20 of what was mapped at LostBytesTests.cs",
            Assert.Single(rig.Sanitizer.Findings).Message, StringComparison.Ordinal);
        rig.Sanitizer.Clear();
        Assert.False(rig.Write(rig.Direct, new Iova(0x7000_0000_0000), 1));
        Assert.Contains(rig.Sanitizer.Findings, finding => finding.Kind == FindingKind.DeviceUseOfUnmapped
            && finding.Message.Contains("no memory is there", StringComparison.Ordinal));
    }

    [Fact]
    public void A_driver_that_handles_its_faults_is_not_told_of_them()
    {
        using var rig = new SanitizedRig();
        rig.Behind.Iommu!.Domain!.FaultHandler = (in Aperture.Iommu.FaultReport _) => Aperture.Iommu.FaultResponse.Unhandled;
        Assert.False(rig.Write(rig.Behind, new Iova(0x12345000), 1));
        rig.Sanitizer.AssertClean();
    }

    [Fact]
    public void Faults_that_nobody_mends_and_what_is_mapped_still_fail_the_assertion()
    {
        using var rig = new SanitizedRig();
        rig.Sanitizer.WatchFaults(rig.Core);
        using (var mapping = rig.Behind.Dma.Map(rig.Memory.Allocate(0x1000), DmaDirection.FromDevice))
        {
            rig.Sanitizer.AssertClean();
            var e = Assert.Throws<SanitizerException>(() => rig.Sanitizer.AssertClean(isOver: true));
            var finding = Assert.Single(e.Findings);
            Assert.Equal((FindingKind.Leak, "behind", mapping.Address), (finding.Kind, finding.Device, finding.Address));
            rig.Sanitizer.Clear();
        }

        rig.Sanitizer.AssertClean(isOver: true);
        var fault = new Aperture.Iommu.FaultReport(rig.Unit, rig.Behind, 0, new Iova(0x5000), Aperture.Iommu.FaultAccess.Read,
            Aperture.Iommu.FaultReason.NotMapped, 0);
        using (rig.Sanitizer.Allow(rig.Behind))
            rig.Core.Report(rig.Behind.Iommu!.Domain, fault);
        rig.Sanitizer.AssertClean();
        rig.Core.Report(rig.Behind.Iommu!.Domain, fault);
        Assert.Contains("unhandled fault: u: behind reads", Assert.Throws<SanitizerException>(() => rig.Sanitizer.AssertClean()).Message,
            StringComparison.Ordinal);
    }
}
