using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.Dma;
using Aperture.Dma.Operations;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma;

/// <summary>Memory of one device as the source of another's DMA.</summary>
public class PeerMemoryTests
{
    private static readonly MemoryRange s_range = new(new PhysicalAddress(0x4000_0000), 0x10_0000);

    [Theory]
    [InlineData("direct")]
    [InlineData("direct-noncoherent")]
    [InlineData("direct-offset")]
    [InlineData("iommu")]
    [InlineData("iommu-noncoherent")]
    [InlineData("iommu-snooping")]
    [InlineData("untrusted")]
    public void Memory_of_a_device_is_a_source_like_any_other(string path)
    {
        using var rig = DmaRig.Make(path, isSanitized: true);
        using var peer = Provider(rig).Dma.Publish(s_range);
        var before = rig.Memory.Ram.Cache?.Counters.Operations;
        using (var mapping = rig.Dma.Map(peer.Slice(0x1100, 0x200), DmaDirection.FromDevice))
        {
            Expect(rig, mapping.Address, s_range.Start + 0x1100, Protection.Write | Protection.Mmio);
            mapping.SyncForCpu();
            mapping.SyncForDevice();
            rig.Dma.SyncForCpu(mapping.Address, 0x200, DmaDirection.FromDevice);
        }

        Assert.Equal(before, rig.Memory.Ram.Cache?.Counters.Operations);
        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
        Assert.Empty(rig.Sanitizer!.Findings);
        Assert.Equal(0, rig.Sanitizer.LiveMappings);
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu")]
    [InlineData("iommu-noncoherent")]
    [InlineData("untrusted-noncoherent")] // of which some pieces bounce
    public void A_scatterlist_has_pieces_of_RAM_and_of_a_device(string path)
    {
        using var rig = DmaRig.Make(path, isSanitized: true);
        using var peer = Provider(rig).Dma.Publish(s_range);
        var memory = rig.Memory.Allocate(0x2000);
        var segments = new DmaSegment[3];
        using (var list = rig.Dma.MapScatter([memory.Slice(0, 0x1000), peer.Slice(0x2000, 0x1000), memory.Slice(0x1000, 0x80)], segments,
            DmaDirection.FromDevice))
        {
            var places = Places(list.Segments, 0x1000, 0x1000, 0x80);
            Expect(rig, places[1], s_range.Start + 0x2000, Protection.Write | Protection.Mmio);
            rig.Write(places[0], new byte[] { 1 });
            rig.Write(places[2], new byte[] { 2 });
            list.SyncForCpu();
            Assert.Equal((1, 2), (memory.Span[0], memory.Span[0x1000]));
            list.SyncForDevice();
            rig.Write(places[2], new byte[] { 3 });
        }

        Assert.Equal(3, memory.Span[0x1000]);
        Assert.Empty(rig.Sanitizer!.Findings);
    }

    [Fact]
    public void A_linked_mapping_takes_memory_of_a_device()
    {
        using var rig = DmaRig.Make("iommu-noncoherent", isSanitized: true);
        using var peer = Provider(rig).Dma.Publish(s_range);
        using var links = new LinkedMapping();
        Assert.True(links.TryAllocate(rig.Dma, 0x2000));
        links.Link(0, rig.Memory.Allocate(0x1000), DmaDirection.ToDevice);
        links.Link(0x1000, peer.Slice(0, 0x1000), DmaDirection.ToDevice);
        links.Sync();
        Expect(rig, links.Address + 0x1000, s_range.Start, Protection.Read | Protection.Mmio);
        links.Unlink(0, 0x2000);
        Assert.Empty(rig.Sanitizer!.Findings);
    }

    [Theory]
    [InlineData("bounce")]
    [InlineData("restricted")]
    public void A_device_whose_mappings_are_all_copied_gets_none(string path)
    {
        using var rig = DmaRig.Make(path);
        using var peer = Provider(rig).Dma.Publish(s_range);
        var refusal = Assert.Throws<ApertureException>(() => rig.Dma.Map(peer.Slice(0, 16), DmaDirection.ToDevice));
        Assert.EndsWith("NotSupported; memory of provider cannot be copied, and every mapping of this device is", refusal.Message,
            StringComparison.Ordinal);
        Assert.Throws<ApertureException>(() => rig.Dma.MapScatter([peer.Slice(0, 16)], new DmaSegment[1], DmaDirection.ToDevice));
        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
    }

    [Fact]
    public void Who_does_not_get_there_is_told_so()
    {
        using var rig = DmaRig.Make("iommu");
        var provider = Provider(rig);
        using var peer = provider.Dma.Publish(s_range, device => device.Name != "iommu");
        var memory = rig.Memory.Allocate(0x1000);
        Action[] calls =
        [
            () => rig.Dma.Map(peer.Slice(0, 16), DmaDirection.ToDevice),
            () => rig.Dma.MapScatter([memory, peer.Slice(0, 16)], new DmaSegment[2], DmaDirection.ToDevice),
        ];
        Assert.All(calls, call => Assert.EndsWith("NotSupported; its accesses do not get to the memory of provider",
            Assert.Throws<ApertureException>(call).Message, StringComparison.Ordinal));
        Assert.EndsWith("NotSupported; it is the device's own memory",
            Assert.Throws<ApertureException>(() => provider.Dma.Map(peer.Slice(0, 16), DmaDirection.ToDevice)).Message,
            StringComparison.Ordinal);
        Assert.Equal(Status.AlreadyExists,
            Assert.Throws<ApertureException>(() => rig.Dma.Publish(new MemoryRange(s_range.Last, 1))).Status);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => rig.Dma.Publish(new MemoryRange(memory.Address, 0x1000))).Status);
        Assert.Throws<ArgumentOutOfRangeException>(() => peer.Slice(s_range.Length, 1));
        Assert.Equal(0, rig.Domain.Count);
    }

    [Fact]
    public void The_sanitizer_names_who_has_memory_mapped_that_is_taken_back()
    {
        using var rig = DmaRig.Make("iommu-noncoherent", isSanitized: true);
        var peer = Provider(rig).Dma.Publish(s_range);
        var single = rig.Dma.Map(peer.Slice(0, 0x1000), DmaDirection.ToDevice);
        var list = rig.Dma.MapScatter([rig.Memory.Allocate(0x1000), peer.Slice(0x1000, 0x1000)], new DmaSegment[2], DmaDirection.ToDevice);
        peer.Withdraw();
        var findings = rig.Sanitizer!.Findings.Where(finding => finding.Kind == FindingKind.FreedWhileMapped).ToArray();
        Assert.Equal(2, findings.Sum(finding => finding.Count));
        Assert.All(findings, finding => Assert.Contains("the memory of provider", finding.ToString(), StringComparison.Ordinal));
        Assert.All(findings, finding => Assert.Contains("PeerMemoryTests.cs:", finding.ToString(), StringComparison.Ordinal));
        single.Dispose();
        list.Dispose();
        peer.Dispose(); // once is enough
        Assert.Equal(2, rig.Sanitizer.Findings.Sum(finding => finding.Count));
        Assert.Equal(Status.BadAddress, rig.Dma.TryMap(peer.Slice(0, 16), DmaDirection.ToDevice, out _)); // nobody's now
        Provider(rig).Dma.Publish(s_range).Dispose();
    }

    private static void Expect(DmaRig rig, Iova address, PhysicalAddress leadsTo, Protection rights)
    {
        if (rig.Dma.Domain is null)
        {
            Assert.Equal(leadsTo.Value, address.Value);
            return;
        }

        Assert.True(rig.Domain.TryTranslate(address, out var physical) && physical == leadsTo);
        Assert.Equal(rights, rig.Domain.RightsAt(address));
    }

    /// <summary>Where the pieces of a list lie, which may be joined.</summary>
    private static List<Iova> Places(ReadOnlySpan<DmaSegment> segments, params ReadOnlySpan<int> lengths)
    {
        var places = new List<Iova>();
        var (segment, offset) = (0, 0ul);
        foreach (var length in lengths)
        {
            if (offset == segments[segment].Length)
                (segment, offset) = (segment + 1, 0);
            places.Add(segments[segment].Address + offset);
            offset += (ulong)length;
        }

        return places;
    }

    private static Device Provider(DmaRig rig)
    {
        var device = new Device("provider");
        DmaAttach.Attach(device, rig.Core, rig.Platform);
        return device;
    }
}
