using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

/// <summary>Whose entry is whose, in the full width of tags and addresses.</summary>
public class TlbTagTests
{
    /// <summary>An entry of context 0 at 2^52 + 0x1000 was hit by context 1 at 0x1000.</summary>
    [Fact]
    public void An_address_above_52_bits_is_nobody_elses_page()
    {
        var cache = new TranslationCache(1, 8, ReplacementPolicy.RoundRobin);
        cache.Fill(0, new TlbPage(new Iova((1ul << 52) + 0x1000), 12, new PhysicalAddress(0x9000)));
        Assert.Equal(0, cache.Lookup(1, new Iova(0x1000), out _));
        Assert.Equal(0, cache.Lookup(0, new Iova(0x1000), out _));
        Assert.Equal(1, cache.Lookup(0, new Iova((1ul << 52) + 0x1FFF), out _));
    }

    /// <summary>Context 0x1000001 was context 1.</summary>
    [Fact]
    public void Tags_are_compared_in_full()
    {
        var cache = new TranslationCache(1, 8, ReplacementPolicy.RoundRobin);
        cache.Fill(0x0100_0001, new TlbPage(new Iova(0x1000), 12));
        Assert.Equal(0, cache.Lookup(1, new Iova(0x1000), out _));
        Assert.Equal(0x0100_0001u, cache.Tag(0));
    }

    [Theory]
    [InlineData(12)]
    [InlineData(21)]
    [InlineData(63)]
    public void The_last_page_of_64_bits_is_a_page_as_any_other(int shift)
    {
        var cache = new TranslationCache(1, 4, ReplacementPolicy.RoundRobin);
        cache.Fill(uint.MaxValue, new TlbPage(new Iova(ulong.MaxValue), shift, new PhysicalAddress(0)));
        Assert.Equal(1, cache.Lookup(uint.MaxValue, new Iova(ulong.MaxValue), out var index));
        Assert.Equal(1ul, cache.Translate(index, new Iova(ulong.MaxValue)).Length);
        Assert.True(cache.TryFind(uint.MaxValue, new Iova(ulong.MaxValue), out var result, out _, out _));
        Assert.Equal((1ul << shift) - 1, result.Address.Value);
        Assert.Equal(0, cache.Lookup(0, new Iova(ulong.MaxValue), out _));
        Assert.Equal(1, cache.Invalidate(new TlbInvalidation { First = new Iova(ulong.MaxValue) }));
        Assert.Equal(0, cache.Lookup(uint.MaxValue, new Iova(ulong.MaxValue), out _));
    }

    [Fact]
    public void Numbers_tell_machines_worlds_and_address_spaces_apart_and_stay()
    {
        var table = new TlbTagTable();
        var numbers = new HashSet<uint>();
        TlbTag[] tags =
        [
            new(0), new(0, 1), new(0, TlbTag.AsidMask), new(0xFFFF), new(uint.MaxValue), new(0xFFFF, 1),
            new(0, 0, TlbWorld.Secure), new(0, 1, TlbWorld.Realm),
        ];
        foreach (var tag in tags)
            Assert.True(numbers.Add(table.NumberOf(tag)));
        foreach (var tag in tags)
            Assert.False(numbers.Add(table.NumberOf(tag)));
        Assert.Equal(table.NumberOf(new TlbTag(5)) & TlbTag.VmidMask, table.NumberOf(new TlbTag(5, 77)) & TlbTag.VmidMask);
        Assert.Throws<ArgumentOutOfRangeException>(() => table.NumberOf(new TlbTag(0, TlbTag.AsidMask + 1)));
    }

    [Fact]
    public void A_full_table_says_so_and_starts_afresh_when_cleared()
    {
        var table = new TlbTagTable();
        for (var vmid = 0u; vmid < TlbTagTable.Capacity; vmid++)
            Assert.True(table.TryGetNumber(new TlbTag(vmid), out _));
        Assert.False(table.TryGetNumber(new TlbTag(TlbTagTable.Capacity), out _));
        Assert.True(table.TryGetNumber(new TlbTag(7, 3), out _));
        Assert.False(table.TryFind(new TlbTag(TlbTagTable.Capacity), out _));
        Assert.Equal(Status.OutOfRange, Assert.Throws<ApertureException>(() => table.NumberOf(new TlbTag(TlbTagTable.Capacity))).Status);
        table.Clear();
        Assert.True(table.TryGetNumber(new TlbTag(TlbTagTable.Capacity), out var number));
        Assert.True(table.TryFind(new TlbTag(TlbTagTable.Capacity, 9), out var found));
        Assert.Equal(number | 9, found);
    }

    /// <summary>Random invalidations of every kind against a plain list.</summary>
    [Fact]
    public void An_invalidation_removes_what_it_means_and_nothing_else()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var table = new TlbTagTable();
        var cache = new TranslationCache(1, 16, ReplacementPolicy.RoundRobin);
        var (gone, stayed) = (0, 0);
        for (var step = 0; step < 20_000; step++)
        {
            var tag = new TlbTag((uint)random.Next(3), (uint)random.Next(3));
            var page = new Iova((ulong)random.Next(64) << 12);
            cache.Set(random.Next(16), table.NumberOf(tag), new TlbPage(page, random.Next(12, 16), IsGlobal: random.Next(4) == 0));
            if (step % 4 != 0)
                continue;
            var which = new TlbInvalidation
            {
                Tag = table.NumberOf(new TlbTag((uint)random.Next(3), (uint)random.Next(3))),
                TagMask = random.Next(3) switch { 0 => 0, 1 => TlbTag.VmidMask, _ => uint.MaxValue },
                IncludesGlobal = random.Next(2) == 0,
                First = new Iova((ulong)random.Next(64) << 12),
                Last = random.Next(2) == 0 ? new Iova(ulong.MaxValue) : new Iova((ulong)random.Next(64) << 12),
                FirstEntry = random.Next(4),
            };
            var goes = Enumerable.Range(0, 16).Where(i => cache.IsValid(i) && Means(which, i)).ToList();
            var stays = Enumerable.Range(0, 16).Where(i => cache.IsValid(i) && !Means(which, i)).ToList();
            Assert.True(goes.Count == cache.Invalidate(which), $"seed {seed} step {step}");
            Assert.True(goes.TrueForAll(i => !cache.IsValid(i)) && stays.TrueForAll(cache.IsValid), $"seed {seed} step {step}");
            gone += goes.Count;
            stayed += stays.Count;
        }

        Assert.True(gone > 0 && stayed > 0, $"seed {seed}: {gone} went, {stayed} stayed");

        bool Means(in TlbInvalidation which, int i)
        {
            var mask = which.TagMask & (cache.IsGlobal(i) ? TlbTag.VmidMask : uint.MaxValue);
            return i >= which.FirstEntry
                && (cache.Tag(i) & mask) == (which.Tag & mask)
                && (which.IncludesGlobal || !cache.IsGlobal(i))
                && cache.Page(i) <= which.Last && cache.Page(i).Value + (1ul << cache.PageShift(i)) > which.First.Value;
        }
    }
}
