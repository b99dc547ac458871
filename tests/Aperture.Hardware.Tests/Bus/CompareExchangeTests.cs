using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Hardware.Bus;

namespace Aperture.Hardware.Tests.Bus;

public sealed class CompareExchangeTests
{
    private static readonly PhysicalAddress s_ram = new(0x8000_0000);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A_word_is_replaced_only_if_it_is_what_was_expected(bool hasCaches, bool isCoherent)
    {
        using var memory = new PhysicalMemory(hasCaches ? new CpuCacheOptions() : null, new MemoryRange(s_ram, 1 << 20));
        var bus = new SystemBus(memory);
        BitConverter.TryWriteBytes(memory.Span(s_ram, 8), 0x1122_3344_5566_7788);
        memory.Cache?.Clean(s_ram, 8);
        Assert.True(bus.TryCompareExchange32(s_ram, 0x5566_7789, 1, out var word, isCoherent));
        Assert.Equal(0x5566_7788u, word);
        Assert.True(bus.TryCompareExchange32(s_ram + 4, 0x1122_3344, 0xAA, out word, isCoherent));
        Assert.Equal(0x1122_3344u, word);
        Assert.True(bus.TryCompareExchange64(s_ram, 0xAA_5566_7788, 0xBB, out var wide, isCoherent));
        Assert.Equal(0xAA_5566_7788UL, wide);
        Assert.Equal(0xBBUL, BitConverter.ToUInt64(memory.DramSpan(s_ram, 8)));
        var cpu = BitConverter.ToUInt64(memory.Span(s_ram, 8));
        Assert.Equal(hasCaches && !isCoherent ? 0x1122_3344_5566_7788UL : 0xBB, cpu);
        Assert.False(memory.Cache?.TryFindDirty(s_ram, 8, out _) ?? false);
    }

    [Fact]
    public void What_the_CPU_wrote_and_did_not_clean_is_what_a_snooping_device_finds()
    {
        using var memory = new PhysicalMemory(new CpuCacheOptions(), new MemoryRange(s_ram, 1 << 20));
        var bus = new SystemBus(memory);
        memory.Span(s_ram, 64).Fill(1);
        Assert.True(bus.TryCompareExchange64(s_ram, 0x0101_0101_0101_0101, 7, out var found, isCoherent: true));
        Assert.Equal(0x0101_0101_0101_0101UL, found);
        Assert.Equal(7UL, BitConverter.ToUInt64(memory.Span(s_ram, 8)));
        Assert.True(memory.Cache!.TryFindDirty(s_ram, 64, out _)); // the rest of the line is still the CPU's
        memory.Cache.Clean(s_ram, 64);
        Assert.Equal(1, memory.DramSpan(s_ram, 64)[8]);
        Assert.Equal(7, memory.DramSpan(s_ram, 64)[0]);
    }

    [Fact]
    public void Memory_without_a_cached_view_is_replaced_where_it_is()
    {
        using var memory = new PhysicalMemory(new CpuCacheOptions(), new MemoryRange(s_ram, 1 << 20));
        memory.Cache!.MakeUncached(new MemoryRange(s_ram, 4096));
        Assert.True(new SystemBus(memory).TryCompareExchange32(s_ram, 0, 9, out _, isCoherent: true));
        Assert.Equal(9, memory.DramSpan(s_ram, 4)[0]);
        Assert.True(memory.Cache.MakeCached(new MemoryRange(s_ram, 4096)));
        Assert.Equal(9, memory.Span(s_ram, 4)[0]);
    }

    [Fact]
    public void What_is_no_aligned_RAM_is_a_bus_error()
    {
        using var memory = new PhysicalMemory(new MemoryRange(s_ram, 1 << 20));
        var bus = new SystemBus(memory);
        Assert.False(bus.TryCompareExchange32(s_ram + 2, 0, 1, out _));
        Assert.False(bus.TryCompareExchange64(s_ram + 4, 0, 1, out _));
        Assert.False(bus.TryCompareExchange32(s_ram - 4, 0, 1, out _));
        Assert.False(bus.TryCompareExchange64(s_ram + (1 << 20), 0, 1, out _));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void Threads_that_count_by_it_lose_nothing(bool hasCaches, bool isCoherent)
    {
        using var memory = new PhysicalMemory(hasCaches ? new CpuCacheOptions() : null, new MemoryRange(s_ram, 1 << 20));
        var bus = new SystemBus(memory);
        var threads = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                uint seen = 0, there;
                while (bus.TryCompareExchange32(s_ram, seen, seen + 1, out there, isCoherent) && there != seen)
                    seen = there;
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal(60_000u, BitConverter.ToUInt32(memory.DramSpan(s_ram, 4)));
        Assert.Equal(60_000u, BitConverter.ToUInt32(memory.Span(s_ram, 4)));
    }
}
