using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

public class TranslationCacheTests
{
    [Theory]
    [InlineData(1, 32)]
    [InlineData(1, 7)]
    [InlineData(1, 150)]
    [InlineData(8, 4)]
    [InlineData(128, 2)]
    public void Finds_pages_of_every_size(int sets, int ways)
    {
        var cache = new TranslationCache(sets, ways, ReplacementPolicy.RoundRobin);
        foreach (var shift in (int[])[12, 14, 16, 20, 21, 24, 30])
        {
            cache.InvalidateAll();
            var page = new Iova(3UL << 30);
            cache.Fill(5, new TlbPage(page, shift, new PhysicalAddress(7UL << 30), 99));
            Assert.Equal(1, cache.Lookup(5, page + ((1UL << shift) - 1), out var index));
            Assert.Equal(99ul, cache.Info(index));
            Assert.Equal(page, cache.Page(index));
            Assert.Equal(shift, cache.PageShift(index));
            var result = cache.Translate(index, page + 0x123);
            Assert.Equal((new PhysicalAddress((7UL << 30) + 0x123), (1UL << shift) - 0x123), (result.Address, result.Length));
            Assert.Equal(0, cache.Lookup(5, page + (1UL << shift), out _));
            Assert.Equal(0, cache.Lookup(4, page, out _));
        }
    }

    [Fact]
    public void Two_sizes_that_share_a_set_above_63_do_not_count_an_entry_twice()
    {
        var cache = new TranslationCache(128, 2, ReplacementPolicy.RoundRobin);
        var page = new Iova(0xFFFF_F000); // every size's page number ends in ones: set 127 for all
        cache.Fill(0, new TlbPage(new Iova(0), 16));
        cache.Fill(0, new TlbPage(page, 12));
        Assert.Equal(1, cache.Lookup(0, page, out var index));
        Assert.Equal(254, index);
    }

    [Fact]
    public void A_duplicate_made_after_a_hit_is_a_multiple_hit()
    {
        var cache = new TranslationCache(1, 8, ReplacementPolicy.RoundRobin);
        cache.Set(6, 0, new TlbPage(new Iova(0x5000), 12, new PhysicalAddress(0x1000)));
        Assert.Equal(1, cache.Lookup(0, new Iova(0x5000), out _));
        cache.Set(2, 0, new TlbPage(new Iova(0), 20));
        Assert.Equal(2, cache.Lookup(0, new Iova(0x5000), out var index));
        Assert.Equal(2, index);
        Assert.Equal(1, cache.Lookup(0, new Iova(0x6000), out _));
        Assert.True(cache.Invalidate(2));
        Assert.Equal(1, cache.Lookup(0, new Iova(0x5000), out index));
        Assert.Equal(6, index);
        Assert.Equal(0, cache.Lookup(0, new Iova(0x6000), out _));
    }

    [Fact]
    public void A_global_entry_matches_in_every_address_space()
    {
        var cache = new TranslationCache(1, 4, ReplacementPolicy.RoundRobin);
        cache.Set(1, 3, new TlbPage(new Iova(0x1000), 12, new PhysicalAddress(0x9000), IsGlobal: true));
        Assert.Equal(1, cache.Lookup(TlbTag.AsidMask, new Iova(0x1FFF), out var index));
        Assert.Equal(1, index);
    }

    [Fact]
    public void A_global_entry_matches_only_in_its_own_virtual_machine_and_world()
    {
        var tags = new TlbTagTable();
        var cache = new TranslationCache(1, 4, ReplacementPolicy.RoundRobin);
        cache.Set(1, tags.NumberOf(new TlbTag(0x12, 3)), new TlbPage(new Iova(0x1000), 12, new PhysicalAddress(0x9000), IsGlobal: true));
        Assert.Equal(1, cache.Lookup(tags.NumberOf(new TlbTag(0x12, 0xFF)), new Iova(0x1000), out _));
        Assert.Equal(0, cache.Lookup(tags.NumberOf(new TlbTag(0x13, 3)), new Iova(0x1000), out _));
        Assert.Equal(0, cache.Lookup(tags.NumberOf(new TlbTag(0x12, 3, TlbWorld.Secure)), new Iova(0x1000), out _));
        Assert.Equal(tags.NumberOf(new TlbTag(0x12)), cache.Tag(1));
    }

    [Fact]
    public void Contexts_that_use_the_same_pages_in_turn_are_told_apart()
    {
        var cache = new TranslationCache(1, 64, ReplacementPolicy.RoundRobin);
        for (uint context = 0; context < 4; context++)
        {
            for (uint page = 0; page < 16; page++)
                cache.Fill(context, new TlbPage(new Iova(page << 12), 12, new PhysicalAddress((context << 20) | (page << 12))));
        }

        for (var round = 0; round < 3; round++)
        {
            for (uint page = 0; page < 16; page++)
            {
                for (uint context = 0; context < 4; context++)
                {
                    Assert.Equal(1, cache.Lookup(context, new Iova((page << 12) + 8), out var index));
                    Assert.Equal((context << 20) | (page << 12), cache.Base(index).Value);
                }
            }
        }
    }

    [Fact]
    public void Round_robin_replaces_in_order_and_never_below_the_first_way()
    {
        var cache = new TranslationCache(1, 4, ReplacementPolicy.RoundRobin);
        for (uint i = 0; i < 4; i++)
            Assert.Equal((int)i, cache.Fill(0, new TlbPage(new Iova(i << 12), 12)));
        int[] victims = [.. Enumerable.Range(10, 5).Select(i => cache.Fill(0, new TlbPage(new Iova((ulong)i << 12), 12), firstWay: 2))];
        Assert.Equal([2, 3, 2, 3, 2], victims);
    }

    [Fact]
    public void Least_recently_used_keeps_what_was_looked_up()
    {
        var cache = new TranslationCache(1, 3, ReplacementPolicy.LeastRecentlyUsed);
        for (uint i = 0; i < 3; i++)
            cache.Fill(0, new TlbPage(new Iova(i << 12), 12));
        cache.Lookup(0, new Iova(0), out _);
        cache.Lookup(0, new Iova(0x1000), out _);
        cache.Lookup(0, new Iova(0), out _);
        Assert.Equal(2, cache.Fill(0, new TlbPage(new Iova(0x8000), 12)));
        Assert.Equal(1, cache.Fill(0, new TlbPage(new Iova(0x9000), 12)));
    }

    [Fact]
    public void Counts_lookups_and_invalidations_but_not_probes()
    {
        var cache = new TranslationCache(1, 4, ReplacementPolicy.RoundRobin);
        cache.Fill(1, new TlbPage(new Iova(0), 12));
        cache.Fill(1, new TlbPage(new Iova(0), 16));
        cache.Fill(2, new TlbPage(new Iova(0), 12));
        cache.Lookup(2, new Iova(0), out _);
        cache.Lookup(2, new Iova(4), out _);
        cache.Lookup(2, new Iova(0x1000), out _);
        cache.Probe(2, new Iova(0), out _);
        Assert.Equal(2, cache.InvalidateAddress(1, new Iova(0x10)));
        Assert.Equal((2ul, 1ul, 2ul), (cache.Hits, cache.Misses, cache.Invalidations));
        Assert.Equal(1, cache.InvalidateAll());
        Assert.Equal(0, cache.InvalidateAll());
    }

    /// <summary>Random fills, overwrites and invalidations against a plain list of entries.</summary>
    [Theory]
    [InlineData(1, 32)]
    [InlineData(1, 5)]
    [InlineData(1, 70)]
    [InlineData(4, 2)]
    [InlineData(256, 1)]
    public void Behaves_as_a_list_of_entries(int sets, int ways)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var cache = new TranslationCache(sets, ways, ReplacementPolicy.RoundRobin);
        var entries = new (uint Context, ulong Page, int Shift, bool Global)?[cache.Entries];
        ulong Address() => (ulong)random.Next(64) << 14 | (uint)random.Next(1 << 14);
        var hits = 0;
        for (var step = 0; step < 50_000; step++)
        {
            var address = Address();
            var context = (uint)random.Next(3);
            switch (random.Next(10))
            {
                case < 4:
                    var shift = random.Next(12, 21);
                    var global = random.Next(8) == 0;
                    entries[cache.Fill(context, new TlbPage(new Iova(address), shift, IsGlobal: global))] =
                        (context, address >> shift, shift, global);
                    break;
                case 4:
                    var victim = random.Next(cache.Entries);
                    Assert.Equal(entries[victim] is not null, cache.Invalidate(victim));
                    entries[victim] = null;
                    break;
                case 5:
                    cache.InvalidateAddress(context, new Iova(address));
                    for (var i = 0; i < entries.Length; i++)
                    {
                        if (Matches(entries[i], context, address))
                            entries[i] = null;
                    }

                    break;
                default:
                    var expected = entries.Count(entry => Matches(entry, context, address));
                    var count = cache.Lookup(context, new Iova(address), out var index);
                    hits += count == 0 ? 0 : 1;
                    Assert.True(Math.Min(expected, 2) == count, $"seed {seed} step {step}: {count} of {expected}");
                    Assert.True(count == 0 ? index == -1 : index == Array.FindIndex(entries, entry => Matches(entry, context, address)),
                        $"seed {seed} step {step}: index {index}");
                    break;
            }
        }

        Assert.True(hits > 0, $"seed {seed}: nothing was ever found");
    }

    private static bool Matches((uint Context, ulong Page, int Shift, bool Global)? entry, uint context, ulong address) =>
        entry is { } e && e.Page == address >> e.Shift && (e.Global || e.Context == context);
}
