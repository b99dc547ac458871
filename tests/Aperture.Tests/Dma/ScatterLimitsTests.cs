using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Dma;
using Aperture.Dma.Memory;
using Xunit.Abstractions;

namespace Aperture.Tests.Dma;

/// <summary>How pieces of memory become segments under the device's limits.</summary>
public sealed class ScatterLimitsTests(ITestOutputHelper output)
{
    /// <summary>The example of the rules: a gap moves the last piece to a boundary, and what stands before it does not grow.</summary>
    [Fact]
    public void A_piece_that_would_cross_a_boundary_starts_at_it()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(1 << 20);
        rig.Dma.SetSegmentBoundary(0xFFFF);
        using var mapping = rig.Dma.MapScatter([memory.Slice(0x800, 0x800), memory.Slice(0x2000, 0x1000), memory.Slice(0x4000, 0xF000)],
            new DmaSegment[3], DmaDirection.ToDevice);
        var segments = mapping.Segments.ToArray();
        Assert.Equal([0x1800ul, 0xF000ul], segments.Select(segment => segment.Length));
        Assert.Equal((0x800ul, 0x1_0000ul - 0x800), (segments[0].Address.Value & 0xFFFF, segments[1].Address - segments[0].Address));
        Assert.False(rig.Domain.TryTranslate(segments[0].Address + 0x1800, out _)); // nothing is mapped in the gap
        Assert.Equal(0x1F_000ul + 0x1000, rig.Domain.Space!.UsedBytes); // and page zero
    }

    [Theory]
    [InlineData("iommu", 0)]
    [InlineData("iommu", 1)]
    [InlineData("iommu", 2)]
    [InlineData("iommu-deferred", 0)]
    [InlineData("iommu-deferred", 1)]
    [InlineData("iommu-deferred", 2)]
    public void A_list_of_which_any_run_is_gone_already_is_not_unmapped_as_a_whole(string path, int gone)
    {
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(0x10000);
        rig.Dma.SetSegmentBoundary(0x3FFF);
        var mapping = rig.Dma.MapScatter([memory.Slice(0, 0x3000), memory.Slice(0x4000, 0x3000), memory.Slice(0x8000, 0x3000)],
            new DmaSegment[3], DmaDirection.ToDevice);
        var gather = default(InvalidationGather);
        rig.Domain.Unmap(mapping.Segments[gone].Address, 0x1000, ref gather, out var unmapped);
        Assert.Equal(0x1000ul, unmapped);
        Assert.Equal(Status.Ok, rig.Domain.Commit(ref gather));
        var told = Status.Ok;
        try
        {
            mapping.Dispose();
        }
        catch (ApertureException error)
        {
            told = error.Status;
        }

        Assert.Equal(Status.InvalidArgument, told);
    }

    [Theory]
    [InlineData("iommu")]
    [InlineData("iommu-deferred")]
    [InlineData("direct")]
    [InlineData("bounce")]
    [InlineData("untrusted")]
    public void Segments_keep_to_the_limits_and_lead_to_the_bytes_in_order(string path)
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var rig = DmaRig.Make(path);
        var memory = rig.Memory.Allocate(1 << 20);
        new Random(1).NextBytes(memory.Span);
        var (joined, rounds) = (0, 0);
        for (var round = 0; round < 150; round++)
        {
            var boundary = (0x1000ul << random.Next(6)) - 1;

            var most = (uint)random.Next(1, 0x9000);
            rig.Dma.SetSegmentBoundary(boundary);
            rig.Dma.SetMaxSegmentSize(most);
            var pieces = new MemoryBlock[1 + random.Next(8)];
            for (var (i, at) = (0, 0); i < pieces.Length; i++)
            {
                // Often right behind the one before, at a page or not, and never longer than the boundary lets a single piece be.
                at = random.Next(3) == 0 ? random.Next(200) << 12 : at;
                var length = random.Next(6) == 0 ? 0 : random.Next(2) == 0 ? 0x1000 - (at & 0xFFF)
                    : random.Next(1, 0x1000 - (at & 0xFFF) + 1);
                pieces[i] = memory.Slice(at, length);
                at += length;
            }

            if (pieces.All(piece => piece.Length == 0))
                continue;
            rounds++;
            var segments = new DmaSegment[pieces.Length];
            using var mapping = rig.Dma.MapScatter(pieces, segments, DmaDirection.ToDevice);
            joined += pieces.Count(piece => piece.Length > 0) - mapping.Segments.Length;
            var (seen, done) = (new byte[pieces.Sum(piece => piece.Length)], 0);
            foreach (var segment in mapping.Segments)
            {
                // A piece is never cut: longer than the limit is only what is one piece, from its first byte to its last.
                Assert.True(segment.Length <= most || IsOnePiece(pieces, done, (int)segment.Length),
                    $"a segment of 0x{segment.Length:x} bytes, the limit is 0x{most:x}");
                Assert.True(((segment.Address.Value ^ (segment.Address.Value + segment.Length - 1)) & ~boundary) == 0,
                    $"a segment of 0x{segment.Length:x} bytes at {segment.Address} crosses 0x{boundary:x}");
                rig.Read(segment.Address, seen.AsSpan(done, (int)segment.Length));
                done += (int)segment.Length;
            }

            Assert.Equal(seen.Length, done);
            foreach (var piece in Enumerable.Reverse(pieces))
                Assert.True(piece.Span.SequenceEqual(seen.AsSpan(done -= piece.Length, piece.Length)),
                    $"{path}: bytes are not those of the pieces");
        }

        Assert.True(rounds > 100, $"seed {seed}");
        if (path != "untrusted") // whose whole pages do not bounce, alone
            Assert.Equal(path == "bounce", joined == 0);
        rig.Dma.Detach();
        if (path.StartsWith("iommu", StringComparison.Ordinal))
            Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
    }

    [Fact]
    public void A_longer_piece_passes_as_it_is()
    {
        using var rig = DmaRig.Make("iommu");
        rig.Dma.SetMaxSegmentSize(0x1000);
        var memory = rig.Memory.Allocate(0x8000);
        using var mapping = rig.Dma.MapScatter([memory.Slice(0, 0x4000), memory.Slice(0x5000, 0x1000)], new DmaSegment[2],
            DmaDirection.ToDevice);
        Assert.Equal([0x4000ul, 0x1000ul], mapping.Segments.ToArray().Select(segment => segment.Length));
        rig.Dma.SetMaxSegmentSize(0);
        Assert.Equal(65536u, rig.Dma.MaxSegmentSize);
    }

    /// <summary>What is set while a list is mapped counts for the next one; the mapped one ends as it was laid out.</summary>
    [Fact]
    public void Limits_may_change_while_a_list_is_mapped()
    {
        using var rig = DmaRig.Make("iommu");
        var memory = rig.Memory.Allocate(1 << 20);
        rig.Dma.SetSegmentBoundary(0x3FFF);
        var mapping = rig.Dma.MapScatter([memory.Slice(0, 0x3000), memory.Slice(0x8000, 0x3000)], new DmaSegment[2], DmaDirection.ToDevice);
        rig.Dma.SetSegmentBoundary(ulong.MaxValue);
        mapping.Dispose();
        Assert.Equal((0, 0x1000ul), (rig.Domain.Count, rig.Domain.Space!.UsedBytes));
    }

    /// <summary>Whether one of the pieces has just these bytes of them all.</summary>
    private static bool IsOnePiece(MemoryBlock[] pieces, int start, int length)
    {
        var at = 0;
        foreach (var piece in pieces)
        {
            if (at == start && piece.Length == length)
                return true;
            at += piece.Length;
        }

        return false;
    }
}
