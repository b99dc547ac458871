using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

/// <summary>Memory that is no block: page frames of a user, registers, a peer's memory.</summary>
public class FramesTests
{
    private static readonly PhysicalAddress s_device = new(0x4000_0000);

    [Fact]
    public void Frames_that_follow_each_other_become_one_piece()
    {
        PhysicalAddress[] frames = [new(0x8000_3000), new(0x8000_4000), new(0x8000_8000), new(0x8000_9000), new(0x8000_2000)];
        var pieces = new MemoryBlock[5];
        var count = DmaContext.ImportFrames(frames, 0x1000, 0x234, 0x3800, pieces);
        Assert.Equal([(0x8000_3234ul, 0x1DCC), (0x8000_8000ul, 0x1A34)], pieces.Take(count)
            .Select(piece => (piece.Address.Value, piece.Length)));
        Assert.Equal(0, DmaContext.ImportFrames(frames, 0x1000, 0x234, 0, pieces));
        Assert.Equal(Status.NotPermitted, Assert.Throws<ApertureException>(() => pieces[0].Slice(4, 4).Span.Length).Status);
    }

    [Theory]
    [InlineData(2, 0x1000, 0, 0x2001)]
    [InlineData(2, 0x1000, 1, 0x2000)]
    [InlineData(2, 0x1000, 0x1000, 1)]
    [InlineData(2, 0x1000, -1, 1)]
    [InlineData(2, 0x1000, 0, -1)]
    [InlineData(0, 0x1000, 0, 1)]
    [InlineData(0, 0x1000, 5, 1)]
    [InlineData(2, 0, 0, 1)]
    [InlineData(2, -4096, 0, 1)]
    [InlineData(2, 3000, 0, 1)]
    public void Impossible_imports_are_refused(int frames, int pageSize, int offset, int length) =>
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            DmaContext.ImportFrames(new PhysicalAddress[frames], pageSize, offset, length, new MemoryBlock[2]));

    [Theory]
    [InlineData("direct")]
    [InlineData("direct-noncoherent")]
    [InlineData("direct-offset")]
    [InlineData("iommu")]
    [InlineData("iommu-noncoherent")]
    [InlineData("iommu-deferred")]
    public void A_users_pages_are_imported_mapped_and_synced(string path)
    {
        using var rig = DmaRig.Make(path);
        var user = Enumerable.Range(0, 4).Select(_ => rig.Memory.Allocate(0x1000)).Reverse().ToArray();
        var pieces = new MemoryBlock[4];
        var count = DmaContext.ImportFrames(user.Select(page => page.Address).ToArray(), 0x1000, 0x100, 0x3E00, pieces);
        for (var i = 0; i < 4; i++)
            user[i].Span.Fill((byte)(i + 1));
        using (var mapping = rig.Dma.MapScatter(pieces.AsSpan(0, count), new DmaSegment[4], DmaDirection.Bidirectional))
        {
            var seen = ReadAll(rig, mapping.Segments);
            Assert.Equal([0xF00, 0x1000, 0x1000, 0xF00], Enumerable.Range(1, 4).Select(value => seen.Count(each => each == value)));
            foreach (var segment in mapping.Segments)
            {
                var bytes = new byte[segment.Length];
                bytes.AsSpan().Fill(9);
                rig.Write(segment.Address, bytes);
            }

            mapping.SyncForCpu();
            Assert.Equal((1, 9, 9, 4), (user[0].Span[0xFF], user[0].Span[0x100], user[3].Span[0xEFF], user[3].Span[0xF00]));
        }

        using var frames = rig.Dma.MapFrames(user[2].Address + 0x80, 0x80, DmaDirection.FromDevice);
        rig.Write(frames.Address, new byte[] { 77 });
        frames.SyncForCpu(0, 1);
        Assert.Equal(77, user[2].Span[0x80]);
    }

    [Theory]
    [InlineData("bounce")]
    [InlineData("restricted")]
    [InlineData("untrusted")]
    public void Frames_that_would_have_to_be_copied_are_refused(string path)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x1000);
        var pieces = new MemoryBlock[1];
        DmaContext.ImportFrames([memory.Address], 0x1000, 0x10, 0x20, pieces);
        var error = Assert.Throws<ApertureException>(() => rig.Dma.MapScatter(pieces, new DmaSegment[1], DmaDirection.ToDevice));
        Assert.Equal(Status.NotSupported, error.Status);
        Assert.Contains("raw page frames", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ApertureException>(() =>
            rig.Dma.MapFrames(memory.Address + 1, 2, DmaDirection.ToDevice, DmaAttributes.NoWarn | DmaAttributes.SkipCpuSync));
        Assert.Contains("raw page frames", error.Message, StringComparison.Ordinal); // the wishes are not the cause
        pieces[0] = pieces[0].Slice(1, 2);
        Assert.Throws<ApertureException>(() => rig.Dma.Map(pieces[0], DmaDirection.ToDevice));
        Assert.Throws<ApertureException>(() => rig.Dma.MapFrames(memory.Address + 1, 2, DmaDirection.ToDevice));
        Assert.Equal(0, rig.Dma.BouncePool.UsedSlots);
    }

    /// <summary>There is nothing whose caches could be maintained; the sync must not fail after the mapping was made.</summary>
    [Theory]
    [InlineData("direct-noncoherent")]
    [InlineData("iommu-noncoherent")]
    public void Frames_that_are_no_memory_are_refused_before_anything_is_mapped(string path)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x1000);
        var pieces = new MemoryBlock[2];
        Assert.Equal(2, DmaContext.ImportFrames([memory.Address, s_device], 0x1000, 0, 0x2000, pieces));
        Assert.Equal(Status.BadAddress,
            Assert.Throws<ApertureException>(() => rig.Dma.MapScatter(pieces, new DmaSegment[2], DmaDirection.ToDevice)).Status);
        Assert.Equal(Status.BadAddress,
            Assert.Throws<ApertureException>(() => rig.Dma.MapFrames(s_device, 0x1000, DmaDirection.ToDevice)).Status);
        Assert.Equal(Status.BadAddress,
            Assert.Throws<ApertureException>(() => rig.Dma.MapFrames(rig.Memory.HighestAddress, 2, DmaDirection.ToDevice)).Status);
        using var free = rig.Dma.MapFrames(s_device, 0x1000, DmaDirection.ToDevice, DmaAttributes.SkipCpuSync);
        Assert.True(free.IsMapped);
        if (path == "iommu-noncoherent")
            Assert.Equal(1, rig.Domain.Count);
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("iommu")]
    [InlineData("iommu-noncoherent")]
    [InlineData("iommu-snooping")]
    [InlineData("iommu-deferred")]
    [InlineData("untrusted")]
    [InlineData("untrusted-noncoherent")]
    [InlineData("bounce")]
    [InlineData("bounce-noncoherent")]
    [InlineData("direct-noncoherent")]
    public void Registers_and_peers_are_reached_without_caches_and_copies(string path)
    {
        using var rig = DmaRig.Make(path);
        var cache = rig.Memory.Ram.Cache; // where there are none, nothing can be done to them
        Assert.Equal(path.EndsWith("noncoherent", StringComparison.Ordinal) || path == "iommu-snooping", cache is not null);
        var operations = cache?.Counters.Operations;
        var mapping = rig.Dma.MapResource(s_device + 0x44, 0x100, DmaDirection.FromDevice);
        if (rig.Device.Iommu is not null)
        {
            Assert.True(rig.Domain.TryTranslate(mapping.Address, out var physical));
            Assert.Equal((s_device + 0x44, Protection.Write | Protection.Mmio), (physical, rig.Domain.RightsAt(mapping.Address)));
        }
        else
        {
            Assert.Equal(s_device.Value + 0x44, mapping.Address.Value);
        }

        mapping.SyncForCpu();
        mapping.SyncForDevice(0, 4);
        mapping.Dispose();
        Assert.Equal((operations, 0), (cache?.Counters.Operations, rig.Dma.BouncePool.UsedSlots));
        if (path.EndsWith("noncoherent", StringComparison.Ordinal))
        {
            // The same calls with memory are seen: the count would have shown it.
            using (var memory = rig.Dma.Map(rig.Memory.Allocate(0x100), DmaDirection.FromDevice))
                memory.SyncForCpu();
            Assert.NotEqual(operations, cache?.Counters.Operations);
        }

        rig.Dma.Detach();
        if (rig.Device.Iommu is not null)
            Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("iommu")]
    public void Memory_is_no_resource(string path)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x1000).Address;
        foreach (var (start, length) in ((PhysicalAddress, ulong)[])[(memory, 1), (new(HonestMemory.Base - 0x1000), 0x1001), (s_device, 0),
            (s_device, ulong.MaxValue)])
            Assert.Equal(Status.InvalidArgument,
                Assert.Throws<ApertureException>(() => rig.Dma.MapResource(start, length, DmaDirection.ToDevice)).Status);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => rig.Dma.MapResource(s_device, 1, (DmaDirection)3)).Status);
    }

    private static byte[] ReadAll(DmaRig rig, ReadOnlySpan<DmaSegment> segments)
    {
        var all = new List<byte>();
        foreach (var segment in segments)
        {
            var bytes = new byte[segment.Length];
            rig.Read(segment.Address, bytes);
            all.AddRange(bytes);
        }

        return [.. all];
    }
}
