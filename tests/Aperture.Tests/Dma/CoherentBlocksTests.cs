using Aperture.Core;
using Aperture.Dma.Memory;

namespace Aperture.Tests.Dma;

/// <summary>Small blocks of coherent memory.</summary>
public class CoherentBlocksTests
{
    public static TheoryData<string> Paths => [.. DmaRig.Paths];

    [Theory]
    [MemberData(nameof(Paths))]
    public void Both_sides_see_a_block_alike_on_every_path(string path)
    {
        using var rig = DmaRig.Make(path, isSanitized: true);
        using var blocks = new CoherentBlocks(rig.Dma, 24, alignment: 16);
        var live = Enumerable.Range(0, 200).Select(_ => blocks.Allocate()).ToArray();
        var seen = new byte[24];
        for (var i = 0; i < live.Length; i++)
        {
            Assert.Equal(-1, live[i].Span.IndexOfAnyExcept((byte)0));
            live[i].Span.Fill((byte)i);
            rig.Read(live[i].Address, seen);
            Assert.Equal(-1, seen.AsSpan().IndexOfAnyExcept((byte)i));
            rig.Write(live[i].Address + 23, [(byte)~i]);
        }

        for (var i = 0; i < live.Length; i++)
        {
            Assert.Equal(((byte)i, (byte)~i), (live[i].Span[22], live[i].Span[23]));
            Assert.True(live[i].Address.IsAligned(16));
            live[i].Dispose();
        }

        Assert.Equal(0, blocks.Used);
        rig.Sanitizer!.AssertClean();
    }

    [Theory]
    [InlineData(64, 1, 0, 64)]
    [InlineData(64, 64, 64, 64)]
    [InlineData(100, 1, 0, 40)]
    [InlineData(100, 1, 256, 32)]   // two in each 256 bytes
    [InlineData(100, 16, 128, 32)]
    [InlineData(1, 1, 4096, 4096)]
    [InlineData(3000, 1, 0, 1)]
    [InlineData(4096, 4096, 4096, 1)]
    [InlineData(10000, 8192, 16384, 1)]
    public void Blocks_are_aligned_and_cross_no_boundary(int bytes, int alignment, int boundary, int inBuffer)
    {
        using var rig = DmaRig.Make("iommu");
        var pages = rig.Memory.Live;
        using var blocks = new CoherentBlocks(rig.Dma, bytes, alignment, boundary);
        var live = new List<CoherentBlock>();
        for (var i = 0; i < 3 * inBuffer; i++)
            live.Add(blocks.Allocate());
        Assert.Equal(pages + 3, rig.Memory.Live);
        live.Sort((left, right) => left.Address.Value.CompareTo(right.Address.Value));
        for (var i = 0; i < live.Count; i++)
        {
            var (first, last) = (live[i].Address.Value, live[i].Address.Value + (ulong)bytes - 1);
            Assert.Equal(0ul, first % (ulong)alignment);
            if (boundary > 0)
                Assert.Equal(first / (ulong)boundary, last / (ulong)boundary);
            if (i > 0)
                Assert.True(live[i - 1].Address.Value + (ulong)bytes <= first);
            live[i].Dispose();
        }
    }

    [Fact]
    public void A_block_is_given_back_once()
    {
        using var rig = DmaRig.Make("direct");
        var blocks = new CoherentBlocks(rig.Dma, 32);
        var block = blocks.Allocate();
        block.Dispose();
        Assert.Equal(Status.InvalidArgument, Assert.Throws<ApertureException>(() => block.Dispose()).Status);
        var next = blocks.Allocate();
        Assert.Equal(block.Address, next.Address);
        Assert.Throws<ApertureException>(() => block.Dispose()); // it is another's by now
        Assert.Contains("1 blocks of 32 bytes", Assert.Throws<ApertureException>(() => blocks.Dispose()).Message, StringComparison.Ordinal);
        Assert.Equal(1, blocks.Used);
        next.Dispose();
        var live = rig.Memory.Live;
        blocks.Dispose();
        blocks.Dispose();
        Assert.Equal(live - 1, rig.Memory.Live);
        Assert.Throws<ApertureException>(() => next.Dispose());
        Assert.Equal(Status.NoDevice, Assert.Throws<ApertureException>(() => blocks.Allocate()).Status);
        default(CoherentBlock).Dispose();
    }

    [Fact]
    public void Memory_that_runs_out_is_an_error_and_what_is_out_stays()
    {
        using var rig = DmaRig.Make("direct");
        using var blocks = new CoherentBlocks(rig.Dma, 4096);
        using var block = blocks.Allocate();
        block.Span.Fill(3);
        rig.Memory.FailAfter = 0;
        Assert.Equal(Status.NoMemory, Assert.Throws<ApertureException>(() => blocks.Allocate()).Status);
        Assert.Equal((1, 3), (blocks.Used, block.Span[4095]));
        blocks.Allocate().Dispose();
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(8, 0, 0)]
    [InlineData(8, 12, 0)]
    [InlineData(8, 1, 12)]
    [InlineData(8, 1, 4)]
    [InlineData(8, 16, 8)]
    [InlineData(8, 1, -16)]
    [InlineData(int.MaxValue, 4096, 0)]
    public void Impossible_blocks_are_refused(int bytes, int alignment, int boundary)
    {
        using var rig = DmaRig.Make("direct");
        Assert.Throws<ArgumentOutOfRangeException>(() => new CoherentBlocks(rig.Dma, bytes, alignment, boundary));
    }

    [Fact]
    public void The_steady_state_allocates_nothing()
    {
        using var rig = DmaRig.Make("iommu-noncoherent");
        using var blocks = new CoherentBlocks(rig.Dma, 64);
        blocks.Allocate().Dispose();
        var least = long.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 500; i++)
                blocks.Allocate().Dispose();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public void Threads_get_blocks_of_their_own()
    {
        using var rig = DmaRig.Make("direct");
        using var blocks = new CoherentBlocks(rig.Dma, 16);
        var wrong = 0;
        Parallel.For(1, 5, number =>
        {
            for (var i = 0; i < 2000; i++)
            {
                using var first = blocks.Allocate();
                using var second = blocks.Allocate();
                first.Span.Fill((byte)number);
                second.Span.Fill((byte)(number + 100));
                if (first.Span.ContainsAnyExcept((byte)number))
                    Interlocked.Increment(ref wrong);
            }
        });
        Assert.Equal((0, 0), (wrong, blocks.Used));
    }
}
