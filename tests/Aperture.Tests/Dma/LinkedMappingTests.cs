using Aperture.Core;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Aperture.Dma.Sanitizer;

namespace Aperture.Tests.Dma;

/// <summary>The interface of two steps: device addresses first, then range by range, one sync, and all at once again.</summary>
public class LinkedMappingTests
{
    public static TheoryData<string> Paths => ["iommu", "iommu-noncoherent", "iommu-noncoherent-mips", "iommu-snooping", "iommu-deferred"];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Ranges_that_lie_apart_are_one_for_the_device(string path)
    {
        using var rig = DmaRig.Make(path, isSanitized: true);
        var links = new LinkedMapping();
        var random = new Random(4);
        for (var turn = 0; turn < 8; turn++)
        {
            var (memory, bytes) = Ranges(rig, random);
            var direction = (DmaDirection)(turn % 3);
            var sent = new byte[bytes];
            random.NextBytes(sent);
            Scatter(sent, memory);
            Assert.True(links.TryAllocate(rig.Dma, (ulong)bytes, memory[0].Address));
            ulong offset = 0;
            foreach (var range in memory)
            {
                links.Link(offset, range, direction);
                offset += (ulong)range.Length;
            }

            links.Sync();
            var seen = new byte[bytes];
            if (direction != DmaDirection.FromDevice)
            {
                rig.Read(links.Address, seen);
                Assert.Equal(sent, seen);
            }

            if (direction != DmaDirection.ToDevice)
            {
                random.NextBytes(sent);
                rig.Write(links.Address, sent);
            }

            if (turn % 2 == 0)
            {
                links.Unlink(0, (ulong)bytes);
                Assert.Equal(0, rig.Domain.Count);
            }

            links.Free();
            Assert.False(links.IsAllocated);
            Gather(memory, seen);
            Assert.Equal(sent, seen);
            foreach (var range in memory)
                rig.Memory.Free(Whole(range));
        }

        rig.Dma.FlushUnmaps();
        Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
        Assert.Empty(rig.Sanitizer!.Findings);
    }

    [Fact]
    public void Units_are_told_once_for_all_links_and_once_for_their_end()
    {
        using var rig = DmaRig.Make("iommu");
        var pages = Enumerable.Range(0, 64).Select(_ => rig.Memory.Allocate(0x1000)).Reverse().ToArray();
        using var links = new LinkedMapping();
        Assert.True(links.TryAllocate(rig.Dma, 64 << 12));
        var before = rig.Domain.Commits;
        for (var i = 0; i < 64; i++)
            links.Link((ulong)i << 12, pages[i], DmaDirection.Bidirectional);
        links.Sync();
        Assert.Equal(before, rig.Domain.Commits); // this unit does not remember that nothing was there
        links.Unlink(0, 64 << 12);
        Assert.Equal(before + 1, rig.Domain.Commits);
    }

    [Fact]
    public void Parts_come_and_go_within_the_same_addresses()
    {
        using var rig = DmaRig.Make("iommu");
        var pages = Enumerable.Range(0, 6).Select(_ => rig.Memory.Allocate(0x1000)).Reverse().ToArray();
        var links = new LinkedMapping();
        Assert.True(links.TryAllocate(rig.Dma, 6 << 12));
        foreach (var i in (int[])[0, 1, 3, 5, 4, 2])
            links.Link((ulong)i << 12, pages[i], DmaDirection.ToDevice);
        Assert.Equal(Status.AlreadyExists, links.TryLink(2 << 12, pages[0], DmaDirection.ToDevice));
        links.Unlink(1 << 12, 3 << 12);
        Assert.Equal(3, rig.Domain.Count);
        Assert.Throws<ApertureException>(() => links.Unlink(0, 2 << 12)); // of which the half is gone
        Assert.Equal(3, rig.Domain.Count);
        links.Link(2 << 12, pages[1], DmaDirection.ToDevice);
        Assert.True(rig.Domain.TryTranslate(links.Address + (2 << 12), out var physical) && physical == pages[1].Address);
        links.Free();
        Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
    }

    [Theory]
    [InlineData("direct")]
    [InlineData("bounce")]
    [InlineData("restricted")]
    [InlineData("untrusted")]
    public void Where_no_table_chooses_addresses_there_are_none_to_link_to(string path)
    {
        using var rig = DmaRig.Make(path);
        var links = new LinkedMapping();
        Assert.False(links.TryAllocate(rig.Dma, 0x1000));
        Assert.False(links.IsAllocated);
        links.Free(); // nothing
        Assert.Throws<ApertureException>(() => links.Link(0, rig.Memory.Allocate(0x1000), DmaDirection.ToDevice));
    }

    [Fact]
    public void What_cannot_be_linked_is_refused_and_leaves_nothing()
    {
        using var rig = DmaRig.Make("iommu-noncoherent");
        var memory = rig.Memory.Allocate(0x3000);
        var links = new LinkedMapping();
        Assert.Throws<ArgumentOutOfRangeException>(() => links.TryAllocate(rig.Dma, 0));
        Assert.True(links.TryAllocate(rig.Dma, 0x2000, memory.Address + 0x800));
        Assert.Equal(0x800ul, links.Address.Value & 0xFFF);
        Assert.Throws<ApertureException>(() => links.TryAllocate(rig.Dma, 0x1000));
        foreach (var (offset, block, direction, wish, status) in ((ulong, MemoryBlock, DmaDirection, DmaAttributes, Status)[])
        [
            (0, memory.Slice(0x700, 0x100), DmaDirection.ToDevice, DmaAttributes.None, Status.InvalidArgument),      // another place
            (0, default, DmaDirection.ToDevice, DmaAttributes.None, Status.InvalidArgument),
            (0x1800, memory.Slice(0, 0x801), DmaDirection.ToDevice, DmaAttributes.None, Status.InvalidArgument),     // too long
            (ulong.MaxValue, memory.Slice(0x7FF, 1), DmaDirection.ToDevice, DmaAttributes.None, Status.InvalidArgument),
            (0, memory.Slice(0x800, 0x800), (DmaDirection)3, DmaAttributes.None, Status.InvalidArgument),
            (0, memory.Slice(0x800, 0x800), DmaDirection.ToDevice, DmaAttributes.WriteCombine, Status.NotSupported),
            (0, memory.Slice(0x800, 0x800), DmaDirection.ToDevice, DmaAttributes.RequireCoherent, Status.NotSupported),
        ])
        {
            Assert.Equal(status, links.TryLink(offset, block, direction, wish));
            var refusal = Assert.Throws<ApertureException>(() => links.Link(offset, block, direction, wish));
            Assert.StartsWith($"{rig.Name} could not link 0x{block.Length:x} bytes", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => links.Unlink(0x1000, 0x1001));
        Assert.Throws<ArgumentOutOfRangeException>(() => links.Unlink(0, 0x1000, DmaAttributes.NoWarn));
        links.Link(0, memory.Slice(0x800, 0x800), DmaDirection.ToDevice);
        links.Dispose();
        Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
        rig.Dma.SetMask(16);
        Assert.Contains("the largest hole 0xf000",
            Assert.Throws<ApertureException>(() => links.TryAllocate(rig.Dma, 0x10000)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_skipped_sync_leaves_what_the_caches_hold()
    {
        using var rig = DmaRig.Make("iommu-noncoherent");
        var memory = rig.Memory.Allocate(0x1000);
        rig.Memory.Clean(memory.Address, 0x1000);
        using var links = new LinkedMapping();
        Assert.True(links.TryAllocate(rig.Dma, 0x1000));
        links.Link(0, memory, DmaDirection.FromDevice);
        links.Sync();
        rig.Write(links.Address, new byte[] { 1 });
        links.Unlink(0, 0x1000, DmaAttributes.SkipCpuSync);
        Assert.Equal(0, memory.Span[0]);
        links.Link(0, memory, DmaDirection.FromDevice, DmaAttributes.SkipCpuSync);
        links.Unlink(0, 0x1000);
        Assert.Equal(1, memory.Span[0]);
    }

    [Fact]
    public void The_sanitizer_knows_each_link_by_its_line()
    {
        using var rig = DmaRig.Make("iommu", isSanitized: true);
        var memory = rig.Memory.Allocate(0x2000);
        var links = new LinkedMapping();
        Assert.True(links.TryAllocate(rig.Dma, 0x2000));
        links.Link(0, memory.Slice(0, 0x1000), DmaDirection.ToDevice);
        links.Link(0x1000, memory.Slice(0x1000, 0x1000), DmaDirection.FromDevice);
        links.Sync();
        memory.Span[0] = 1;
        rig.Read(links.Address, new byte[1]);
        Assert.Contains(rig.Sanitizer!.Findings, finding => finding.Kind == FindingKind.CpuWriteWithoutSync
            && finding.ToString()!.Contains("LinkedMappingTests.cs:", StringComparison.Ordinal));
        rig.Dma.Detach();
        Assert.Equal(2, rig.Sanitizer.Findings.Where(finding => finding.Kind == FindingKind.Leak).Sum(finding => finding.Count));
    }

    [Fact]
    public void A_round_allocates_nothing()
    {
        using var rig = DmaRig.Make("iommu-noncoherent");
        var pages = Enumerable.Range(0, 16).Select(_ => rig.Memory.Allocate(0x1000)).Reverse().ToArray();
        var links = new LinkedMapping();
        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
            Round();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Round()
        {
            links.TryAllocate(rig.Dma, 16 << 12);
            for (var i = 0; i < 16; i++)
                links.TryLink((ulong)i << 12, pages[i], DmaDirection.Bidirectional);
            links.Sync();
            links.Free();
            rig.Unit.Invalidations.Clear(); // what the fake remembers
        }
    }

    /// <summary>Ranges that meet at the borders of the device's pages.</summary>
    private static (MemoryBlock[] Ranges, int Bytes) Ranges(DmaRig rig, Random random)
    {
        var ranges = new MemoryBlock[random.Next(1, 6)];
        var bytes = 0;
        for (var i = 0; i < ranges.Length; i++)
        {
            var block = rig.Memory.Allocate(random.Next(1, 4) << 12);
            var from = i == 0 ? random.Next(0, 4096 / 64) * 64 : 0;
            var to = block.Length - (i == ranges.Length - 1 ? random.Next(0, (4096 - from) / 64) * 64 : 0);
            ranges[i] = block.Slice(from, to - from);
            bytes += ranges[i].Length;
        }

        return (ranges, bytes);
    }

    private static unsafe MemoryBlock Whole(MemoryBlock range)
    {
        var offset = (int)(range.Address.Value & 0xFFF);
        return new MemoryBlock(range.Pointer - offset, range.Address - (ulong)offset, (range.Length + offset + 0xFFF) & ~0xFFF);
    }

    private static void Scatter(ReadOnlySpan<byte> bytes, MemoryBlock[] ranges)
    {
        foreach (var range in ranges)
        {
            bytes[..range.Length].CopyTo(range.Span);
            bytes = bytes[range.Length..];
        }
    }

    private static void Gather(MemoryBlock[] ranges, Span<byte> bytes)
    {
        foreach (var range in ranges)
        {
            range.Span.CopyTo(bytes);
            bytes = bytes[range.Length..];
        }
    }
}
