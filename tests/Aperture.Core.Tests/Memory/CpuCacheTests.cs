using Aperture.Core.Memory;

namespace Aperture.Core.Tests.Memory;

public sealed class CpuCacheTests : IDisposable
{
    private readonly CachedMachine _machine = new();

    [Fact]
    public unsafe void Without_caches_both_views_are_the_same_bytes()
    {
        using var memory = new PhysicalMemory(CachedMachine.Range(0, 1 << 16));
        Assert.Null(memory.Cache);
        Assert.True(memory.TryGetPointer(CachedMachine.Start + 100, 50, out var cpu));
        Assert.True(memory.TryGetDramPointer(CachedMachine.Start + 100, 50, out var dram));
        Assert.True(cpu == dram);
    }

    [Fact]
    public void What_the_cpu_writes_reaches_the_bus_when_it_is_cleaned_in_whole_lines()
    {
        _machine.Cpu(0, 256).Fill(1);
        Assert.Equal(new byte[256], _machine.Dram(0, 256));
        _machine.Clean(70, 1);
        Assert.Equal(new byte[64], _machine.Dram(0, 64));
        Assert.False(_machine.Dram(64, 64).ContainsAnyExcept((byte)1));
        Assert.Equal(new byte[128], _machine.Dram(128, 128));
        _machine.Clean(0, 256);
        Assert.False(_machine.Dram(0, 256).ContainsAnyExcept((byte)1));
    }

    [Fact]
    public void What_a_device_writes_is_seen_when_it_is_invalidated()
    {
        _machine.Dram(0, 128).Fill(2);
        Assert.Equal(new byte[128], _machine.Cpu(0, 128));
        _machine.Invalidate(0, 64);
        Assert.False(_machine.Cpu(0, 64).ContainsAnyExcept((byte)2));
        Assert.Equal(new byte[64], _machine.Cpu(64, 64));
    }

    [Fact]
    public void An_invalidate_before_the_device_writes_does_not_help()
    {
        _machine.Invalidate(0, 64);
        _machine.Dram(0, 64).Fill(2);
        Assert.Equal(new byte[64], _machine.Cpu(0, 64));
    }

    [Fact]
    public void Invalidate_loses_what_was_not_cleaned()
    {
        _machine.Cpu(0, 128).Fill(1);
        _machine.Clean(0, 64);
        _machine.Invalidate(0, 128);
        Assert.False(_machine.Cpu(0, 64).ContainsAnyExcept((byte)1));
        Assert.Equal(new byte[64], _machine.Cpu(64, 64));
        Assert.Equal(1, _machine.Cache.Counters.Lost);
    }

    [Fact]
    public void Lines_partly_in_the_range_are_cleaned_before_they_are_invalidated()
    {
        _machine.Cpu(0, 192).Fill(1);
        _machine.Invalidate(10, 150);
        Assert.False(_machine.Cpu(0, 64).ContainsAnyExcept((byte)1));
        Assert.Equal(new byte[64], _machine.Cpu(64, 64));
        Assert.False(_machine.Cpu(128, 64).ContainsAnyExcept((byte)1));
        Assert.False(_machine.Dram(128, 64).ContainsAnyExcept((byte)1));
    }

    [Fact]
    public void A_dirty_line_is_written_over_what_a_device_wrote_to_it()
    {
        _machine.Cpu(0, 1)[0] = 1;
        _machine.Dram(8, 8).Fill(2);
        _machine.Clean(0, 1);
        Assert.Equal(new byte[8], _machine.Dram(8, 8));
    }

    [Fact]
    public void Cleaning_a_clean_line_leaves_what_a_device_wrote()
    {
        _machine.Dram(0, 64).Fill(2);
        _machine.Clean(0, 64);
        Assert.False(_machine.Dram(0, 64).ContainsAnyExcept((byte)2));
        Assert.Equal(0, _machine.Cache.Counters.WrittenBack);
    }

    [Fact]
    public void Clean_and_invalidate_keeps_what_both_wrote_to_different_lines()
    {
        _machine.Cpu(0, 64).Fill(1);
        _machine.Dram(64, 64).Fill(2);
        _machine.CleanInvalidate(0, 128);
        Assert.Equal(_machine.Dram(0, 128), _machine.Cpu(0, 128));
        Assert.Equal((1, 2), (_machine.Cpu(0, 1)[0], _machine.Cpu(64, 1)[0]));
    }

    [Fact]
    public void Zeroing_is_a_store_even_where_the_cpu_saw_zeros()
    {
        _machine.Dram(0, 8192).Fill(2);
        _machine.Cache.Zero(CachedMachine.Start + 4000, 200);
        _machine.Clean(0, 8192);
        Assert.False(_machine.Dram(3968, 256).ContainsAnyExcept((byte)0)); // in whole lines
        Assert.False(_machine.Dram(0, 3968).ContainsAnyExcept((byte)2));
        Assert.False(_machine.Dram(4224, 3968).ContainsAnyExcept((byte)2));
    }

    [Fact]
    public void Dirty_and_stale_lines_are_found()
    {
        Assert.False(_machine.Cache.TryFindDirty(CachedMachine.Start, CachedMachine.Bytes, out _));
        _machine.Cpu(1000, 1)[0] = 1;
        _machine.Dram(2000, 1)[0] = 1;
        Assert.True(_machine.Cache.TryFindDirty(CachedMachine.Start, CachedMachine.Bytes, out var line));
        Assert.Equal(CachedMachine.Start + 960, line);
        Assert.True(_machine.Cache.TryFindStale(CachedMachine.Start, CachedMachine.Bytes, out line));
        Assert.Equal(CachedMachine.Start + 1984, line);
        _machine.CleanInvalidate(0, CachedMachine.Bytes);
        Assert.False(_machine.Cache.TryFindDirty(CachedMachine.Start, CachedMachine.Bytes, out _));
        Assert.False(_machine.Cache.TryFindStale(CachedMachine.Start, CachedMachine.Bytes, out _));
    }

    [Fact]
    public void Costs_are_counted()
    {
        _machine.Cpu(0, 4096).Fill(1);
        _machine.Clean(32, 4096);
        _machine.Invalidate(0, 4096);
        _machine.Clean(0, 0);
        var counters = _machine.Cache.Counters;
        Assert.Equal(new CpuCacheCounters
        {
            Operations = 2,
            Lines = 65 + 64,
            Bytes = 8192,
            WrittenBack = 64,
            Cycles = (2 * 40) + (129 * 8)
            + (64 * 32)
        }, counters);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(128)]
    [InlineData(1024)]
    public void Lines_have_the_size_that_was_asked_for(int size)
    {
        using var machine = new CachedMachine(new CpuCacheOptions { LineSize = size });
        machine.Cpu(0, 4096).Fill(1);
        machine.Clean(size, 1);
        Assert.Equal(0, machine.Dram(size - 1, 1)[0]);
        Assert.False(machine.Dram(size, size).ContainsAnyExcept((byte)1));
        Assert.Equal(0, machine.Dram(size * 2, 1)[0]);
    }

    [Fact]
    public void Illegal_options_and_ranges_are_refused()
    {
        foreach (var size in (int[])[0, 8, 48, 2048])
            Assert.Equal(Status.InvalidArgument,
                Assert.Throws<ApertureException>(() => new CachedMachine(new CpuCacheOptions { LineSize = size })).Status);
        Assert.Equal(Status.BadAddress, Assert.Throws<ApertureException>(() => _machine.Clean(CachedMachine.Bytes - 1, 2)).Status);
        Assert.Equal(Status.BadAddress, Assert.Throws<ApertureException>(() => _machine.Invalidate(-1, 1)).Status);
        Assert.Equal(0, _machine.Cache.Counters.Operations);
    }

    [Fact]
    public void A_device_that_snoops_sees_the_cpus_bytes_and_is_seen()
    {
        _machine.Cpu(4000, 200).Fill(1);
        var seen = new byte[200];
        _machine.Cache.ReadCoherent(CachedMachine.Start + 4000, seen);
        Assert.DoesNotContain(seen, b => b != 1);
        Assert.Equal(new byte[200], _machine.Dram(4000, 200));

        seen.AsSpan().Fill(2);
        _machine.Cache.WriteCoherent(CachedMachine.Start + 4010, seen.AsSpan(0, 150));
        Assert.False(_machine.Cpu(4010, 150).ContainsAnyExcept((byte)2));
        Assert.False(_machine.Dram(4010, 150).ContainsAnyExcept((byte)2));
        _machine.Clean(4000, 200);
        Assert.Equal((1, 2, 2, 1),
            (_machine.Dram(4009, 1)[0], _machine.Dram(4010, 1)[0], _machine.Dram(4159, 1)[0], _machine.Dram(4160, 1)[0]));
    }

    [Fact]
    public void Concurrent_cleans_of_one_line_lose_no_store()
    {
        // Two threads map neighbouring pages: each writes its own words of a line and cleans them.
        const int Rounds = 20_000;
        Parallel.For(0, 2, thread =>
        {
            for (var round = 1; round <= Rounds; round++)
            {
                var offset = ((round % 4) * 16) + (thread * 8);
                BitConverter.TryWriteBytes(_machine.Cpu(offset, 8), (long)round);
                _machine.Clean(offset, 8);
                Assert.Equal(round, BitConverter.ToInt64(_machine.Dram(offset, 8)));
            }
        });
    }

    public void Dispose() => _machine.Dispose();
}
