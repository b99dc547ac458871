using Aperture.Core;
using Aperture.Dma.Memory;
using Aperture.Tests.Fakes;

namespace Aperture.Tests.Dma;

public sealed class DmaPoolTests : IDisposable
{
    private static readonly PhysicalAddress s_anywhere = new(ulong.MaxValue);
    private readonly HonestMemory _memory = new(true);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Blocks_are_aligned_zeroed_and_never_shared()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var region = _memory.Allocate(100 << 12); // no power of two of pages
        var pool = new DmaPool(_memory, region, "pool");
        Assert.Equal((100, region.Address, region.Address + (100 << 12) - 1), (pool.Pages, pool.LowestAddress, pool.HighestAddress));
        var live = new List<MemoryBlock>();
        for (var i = 0; i < 5000; i++)
        {
            if (live.Count > 0 && random.Next(2) == 0)
            {
                var at = random.Next(live.Count);
                pool.Free(live[at]);
                live.RemoveAt(at);
                continue;
            }

            var bytes = random.Next(1, 20 << 12);
            var highest = random.Next(3) == 0 ? region.Address + (ulong)random.Next(region.Length) : s_anywhere;
            if (!pool.TryAllocate(bytes, highest, out var block))
                continue;
            var size = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(bytes + 4095) >> 12) << 12;
            Assert.True(block.Length == bytes && (block.Address - region.Address) % size == 0 && block.Address + (size - 1) <= highest
                && pool.Owns(block.Address + (size - 1)), $"seed {seed}: 0x{bytes:x} bytes at {block.Address}");
            Assert.Equal(-1, block.Span.IndexOfAnyExcept((byte)0));
            Assert.DoesNotContain(live, other => other.Address <= block.Address + (ulong)(bytes - 1) && block.Address <= other.Address
                + (ulong)(other.Length - 1));
            block.Span.Fill(0xEE);
            live.Add(block);
        }

        live.ForEach(block => pool.Free(block));
        Assert.Equal(0, pool.UsedPages);
        Assert.True(pool.TryAllocate(64 << 12, s_anywhere, out _));
        Assert.False(pool.TryAllocate(64 << 12, s_anywhere, out _));
    }

    [Fact]
    public void What_was_not_taken_cannot_be_freed_and_a_pool_is_whole_pages()
    {
        var region = _memory.Allocate(4 << 12);
        var pool = new DmaPool(_memory, region, "rest");
        Assert.True(pool.TryAllocate(1, s_anywhere, out var block));
        foreach (var wrong in (MemoryBlock[])[region.Slice(0x1000, 1), region, new(), _memory.Allocate(1)])
            Assert.Contains("'rest'", Assert.Throws<ApertureException>(() => pool.Free(wrong)).Message, StringComparison.Ordinal);
        pool.Free(block);
        Assert.Throws<ApertureException>(() => pool.Free(block));
        Assert.Throws<ApertureException>(() => new DmaPool(_memory, region.Slice(0, 100), "small"));
        Assert.Throws<ApertureException>(() => new DmaPool(_memory, region.Slice(100, 0x2000), "crooked"));
    }
}
