using Aperture.Core.Memory;

namespace Aperture.Core.Tests.Memory;

public sealed class CpuCacheUncachedTests : IDisposable
{
    private static readonly MemoryRange s_pages = CachedMachine.Range(4096, 8192);

    private readonly CachedMachine _machine = new();

    [Fact]
    public void Dirty_lines_are_cleaned_and_the_cached_view_is_poisoned()
    {
        _machine.Cpu(4096, 100).Fill(1);
        _machine.Dram(8192, 100).Fill(2);
        _machine.Cache.MakeUncached(s_pages);
        Assert.False(_machine.Dram(4096, 100).ContainsAnyExcept((byte)1));
        Assert.False(_machine.Dram(8192, 100).ContainsAnyExcept((byte)2));
        Assert.False(_machine.Cpu(4096, 8192).ContainsAnyExcept(CpuCache.Poison));
        Assert.False(_machine.Cache.IsUncached(CachedMachine.Start + 4095));
        Assert.True(_machine.Cache.IsUncached(CachedMachine.Start + 4096));
        Assert.Equal([s_pages], _machine.Cache.UncachedRanges);
    }

    [Fact]
    public void Maintenance_passes_over_memory_without_a_cached_view()
    {
        _machine.Cache.MakeUncached(s_pages);
        _machine.Cpu(0, 4096).Fill(1);
        _machine.Dram(4096, 8192).Fill(3);
        _machine.Clean(0, 16384);
        _machine.Invalidate(0, 16384);
        _machine.CleanInvalidate(0, 16384);
        Assert.False(_machine.Dram(4096, 8192).ContainsAnyExcept((byte)3));
        Assert.False(_machine.Dram(0, 4096).ContainsAnyExcept((byte)1));
        Assert.Empty(_machine.Cache.CheckAlias());
        Assert.False(_machine.Cache.TryFindDirty(CachedMachine.Start, CachedMachine.Bytes, out _));
        Assert.False(_machine.Cache.TryFindStale(CachedMachine.Start, CachedMachine.Bytes, out _));
    }

    [Fact]
    public void The_cached_view_comes_back_with_what_memory_holds()
    {
        _machine.Cache.MakeUncached(s_pages);
        _machine.Dram(4096, 8192).Fill(3);
        Assert.True(_machine.Cache.MakeCached(s_pages));
        Assert.False(_machine.Cpu(4096, 8192).ContainsAnyExcept((byte)3));
        Assert.Empty(_machine.Cache.UncachedRanges);
        _machine.Cpu(4096, 64).Fill(4);
        Assert.Equal(3, _machine.Dram(4096, 1)[0]);
        _machine.Clean(4096, 64);
        Assert.Equal(4, _machine.Dram(4096, 1)[0]);
        Assert.Equal(0, _machine.Cache.Counters.AliasWrites);
    }

    [Fact]
    public void A_write_through_an_old_pointer_is_found()
    {
        PhysicalAddress told = default;
        _machine.Cache.AliasWritten = address => told = address;
        _machine.Cache.MakeUncached(s_pages);
        _machine.Cpu(9000, 1)[0] = 5;
        Assert.Equal([CachedMachine.Start + 9000], _machine.Cache.CheckAlias());
        Assert.Equal(0, _machine.Dram(9000, 1)[0]);
        Assert.False(_machine.Cache.MakeCached(s_pages));
        Assert.Equal(CachedMachine.Start + 9000, told);
        Assert.Equal(1, _machine.Cache.Counters.AliasWrites);
        Assert.Equal(0, _machine.Cpu(9000, 1)[0]);
    }

    [Fact]
    public void A_device_that_snoops_uses_memory()
    {
        _machine.Cache.MakeUncached(s_pages);
        _machine.Dram(4096, 10).Fill(3);
        var seen = new byte[100];
        _machine.Cache.ReadCoherent(CachedMachine.Start + 4090, seen);
        Assert.Equal([0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0], seen[..17]);
        _machine.Cache.WriteCoherent(CachedMachine.Start + 4090, [7, 7, 7, 7, 7, 7, 8]);
        Assert.Equal((7, 8), (_machine.Cpu(4095, 1)[0], _machine.Dram(4096, 1)[0]));
        Assert.Empty(_machine.Cache.CheckAlias());
    }

    [Fact]
    public void Wrong_ranges_are_refused_and_change_nothing()
    {
        _machine.Cache.MakeUncached(s_pages);
        Assert.Equal(Status.AlreadyExists, Throws(() => _machine.Cache.MakeUncached(CachedMachine.Range(0, 8192))));
        Assert.False(_machine.Cache.IsUncached(CachedMachine.Start));
        Assert.Equal(Status.InvalidArgument, Throws(() => _machine.Cache.MakeCached(CachedMachine.Range(4096, 4096))));
        Assert.Equal(Status.InvalidArgument, Throws(() => _machine.Cache.MakeCached(CachedMachine.Range(8192, 4096))));
        Assert.Equal(Status.InvalidArgument, Throws(() => _machine.Cache.MakeUncached(CachedMachine.Range(16384, 100))));
        Assert.Equal(Status.InvalidArgument, Throws(() => _machine.Cache.MakeUncached(CachedMachine.Range(16000, 4096))));
        Assert.Equal(Status.BadAddress, Throws(() => _machine.Cache.MakeUncached(CachedMachine.Range(CachedMachine.Bytes, 4096))));
        Assert.Equal([s_pages], _machine.Cache.UncachedRanges);
    }

    private static Status Throws(Action action) => Assert.Throws<ApertureException>(action).Status;

    public void Dispose() => _machine.Dispose();
}
