using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Dma.Memory;
using Aperture.Linux.Memory;

namespace Aperture.Linux.Tests.Memory;

public sealed class HostMemoryTests : IDisposable
{
    private readonly HostMemory _memory = new(HugePages.Never);

    public void Dispose() => _memory.Dispose();

    [Theory]
    [InlineData(1, 0x1000)]
    [InlineData(4096, 0x1000)]
    [InlineData(4097, 0x2000)]
    [InlineData(100_000, 0x2_0000)]
    [InlineData(4 << 20, 4 << 20)]
    [InlineData((8 << 20) + 1, 16 << 20)]
    public void Blocks_are_zeroed_and_aligned_to_their_size(int bytes, ulong alignment)
    {
        for (var i = 0; i < 3; i++)
        {
            var block = _memory.Allocate(bytes);
            Assert.Equal(bytes, block.Length);
            Assert.Equal(0UL, block.Address.Value & (alignment - 1));
            Assert.False(block.Span.ContainsAnyExcept((byte)0));
            Assert.True(_memory.Owns(block.Address));
            block.Span.Fill(0xFF);
            _memory.Free(block);
        }
    }

    [Fact]
    public void Large_blocks_go_back_to_the_host()
    {
        var block = _memory.Allocate(16 << 20);
        Assert.Equal(16UL << 20, _memory.TotalBytes);
        _memory.Free(block);
        Assert.Equal(0UL, _memory.TotalBytes);
        Assert.False(_memory.Owns(block.Address));
    }

    [Fact]
    public void What_is_freed_while_mapped_waits()
    {
        var block = _memory.Allocate(8192);
        _memory.CountMapped(block.Address.Value, 8192);
        _memory.CountMapped(block.Address.Value + 4096, 4096);
        _memory.Free(block);
        Assert.Equal(8192UL, _memory.QuarantinedBytes);
        Assert.NotEqual(block.Address, _memory.Allocate(8192).Address);
        _memory.CountUnmapped(block.Address.Value, 8192);
        Assert.Equal(8192UL, _memory.QuarantinedBytes);
        _memory.CountUnmapped(block.Address.Value + 4096, 4096);
        Assert.Equal(0UL, _memory.QuarantinedBytes);
        Assert.Equal(block.Address, _memory.Allocate(8192).Address);
    }

    [Fact]
    public void What_is_freed_while_mapped_waits_every_time_and_goes_back_every_time()
    {
        var held = _memory.Allocate(4096); // so that the region stays
        for (var time = 1; time <= 3; time++)
        {
            var block = _memory.Allocate(8192);
            _memory.CountMapped(block.Address.Value, 8192);
            _memory.Free(block);
            Assert.Equal(8192UL, _memory.QuarantinedBytes);
            _memory.CountUnmapped(block.Address.Value, 8192);
            Assert.Equal(0UL, _memory.QuarantinedBytes);
        }

        _memory.Free(held);
    }

    [Fact]
    public void A_large_block_waits_too()
    {
        var block = _memory.Allocate(8 << 20);
        _memory.CountMapped(block.Address.Value, 4096);
        _memory.Free(block);
        Assert.Equal(8UL << 20, _memory.TotalBytes);
        _memory.CountUnmapped(block.Address.Value, 4096);
        Assert.Equal(0UL, _memory.TotalBytes);
    }

    [Fact]
    public void A_mapping_over_several_regions_counts_in_each()
    {
        var blocks = Enumerable.Range(0, 3).Select(_ => _memory.Allocate(4 << 20)).OrderBy(block => block.Address).ToArray();
        var first = blocks[0].Address.Value;
        var size = blocks[2].Address.Value + (4 << 20) - first;
        _memory.CountMapped(first, size);
        foreach (var block in blocks)
            _memory.Free(block);
        Assert.Equal(12UL << 20, _memory.QuarantinedBytes);
        _memory.CountUnmapped(first, size);
        Assert.Equal(0UL, _memory.QuarantinedBytes);
    }

    /// <summary>Who frees says so and then looks whether the page is mapped; who unmaps counts it out and then looks whether somebody
    /// freed. If both see the old value the block stays in quarantine until a later unmap.</summary>
    [Fact]
    public void Freeing_and_unmapping_at_the_same_moment_missed_each_other()
    {
        const int Rounds = 200_000;
        const int Offsets = 32; // one of the two begins so much later
        var region = HostRegion.Create(2 << 20, 2 << 20, HugePages.Never)!;
        var page = new MemoryRange(region.Range.Start, 4096);
        var missed = 0;
        var isMapped = false;
        var hasQuarantine = false;
        var turn = 0;
        var unmapping = new Thread(() =>
        {
            for (var round = 1; round <= Rounds; round++)
            {
                Meet(ref turn, 4 * round);
                Thread.SpinWait(round % Offsets);
                region.Count(page, -1);
                Volatile.Write(ref hasQuarantine, region.HasQuarantine);
                Meet(ref turn, (4 * round) + 2);
            }
        });
        unmapping.Start();
        for (var round = 1; round <= Rounds; round++)
        {
            region.Count(page, 1);
            Meet(ref turn, 4 * round);
            Thread.SpinWait(round / Offsets % Offsets);
            region.CountQuarantined(1);
            isMapped = region.IsMapped(page);
            Meet(ref turn, (4 * round) + 2);
            missed += isMapped && !Volatile.Read(ref hasQuarantine) ? 1 : 0;
            region.CountQuarantined(-1);
        }

        unmapping.Join();
        region.Release();
        Assert.Equal(0, missed);

        // Both leave at nearly the same moment: they spin, and make room only after a while.
        static void Meet(ref int turn, int at)
        {
            Interlocked.Increment(ref turn);
            for (var spins = 0; Volatile.Read(ref turn) < at - 2; spins++)
            {
                if (spins % 4096 == 4095)
                    Thread.Yield();
            }
        }
    }

    [Fact]
    public unsafe void Strange_memory_cannot_be_freed()
    {
        _memory.Allocate(4096);
        Assert.Equal(Status.InvalidArgument,
            Assert.Throws<ApertureException>(() => _memory.Free(new MemoryBlock(null, new(0x1000), 4096))).Status);
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        var block = _memory.Allocate(8192);
        var fewest = long.MaxValue; // of three rounds: the runtime may allocate in one
        for (var round = 0; round < 3; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
            {
                _memory.CountMapped(block.Address.Value, 8192);
                _memory.CountUnmapped(block.Address.Value, 8192);
            }

            fewest = Math.Min(fewest, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, fewest);
    }

    [Fact]
    public void Allocating_takes_nothing_from_the_managed_heap()
    {
        _memory.Free(_memory.Allocate(8192));
        var fewest = long.MaxValue; // of three rounds: the runtime may allocate in one
        for (var round = 0; round < 3; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
                _memory.Free(_memory.Allocate(8192));
            fewest = Math.Min(fewest, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, fewest);
    }
}
