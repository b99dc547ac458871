using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

/// <summary>Pages of an entry whose owner alone knows what it means.</summary>
public class TranslationCachePartTests
{
    private const uint Tag = 5;
    private static readonly Iova Group = new(0x10_4000);      // 16 KiB
    private static readonly Iova Page = new(0x10_5000);       // its second page
    private static readonly PhysicalAddress Target = new(0x8000_0000);

    private readonly TranslationCache _cache = new(1, 4, ReplacementPolicy.RoundRobin, hasParts: true);
    private readonly int _index;

    public TranslationCachePartTests()
    {
        _index = _cache.Fill(Tag, new TlbPage(Group, 14, IsWhole: false));
        _cache.SetPart(_index, Tag, new TlbPage(Page, 12, Target, Protection: Protection.Read));
    }

    [Fact]
    public void A_part_is_found_and_its_entry_is_not()
    {
        Assert.True(_cache.TryFind(Tag, Page + 0x123, out var result, out _, out var index));
        Assert.Equal((Target + 0x123, 4096ul - 0x123, Protection.Read), (result.Address, result.Length, result.Protection));
        Assert.Equal(_index, index);
        Assert.False(Finds(Group));
        Assert.False(Finds(Page + 0x1000));
        Assert.False(_cache.TryFind(Tag + 1, Page, out _, out _, out _));
        Assert.Equal(1, _cache.Lookup(Tag, Page, out index));
        Assert.Equal(_index, index);
    }

    [Fact]
    public void An_entry_that_is_removed_or_replaced_leaves_no_part()
    {
        Assert.True(_cache.Invalidate(_index));
        Assert.False(Finds(Page));
        _cache.Set(_index, Tag, new TlbPage(Group, 14, IsWhole: false));
        Assert.False(Finds(Page));
        _cache.SetPart(_index, Tag, new TlbPage(Page, 12, Target));
        Assert.True(Finds(Page));
        _cache.Set(_index, Tag, new TlbPage(Group, 14, IsWhole: false));
        Assert.False(Finds(Page));
        _cache.SetPart(_index, Tag, new TlbPage(Page, 12, Target));
        Assert.Equal(1, _cache.InvalidateAddress(Tag, Group));
        Assert.False(Finds(Page));
    }

    [Fact]
    public void An_entry_that_another_overlaps_has_no_part()
    {
        var section = _cache.Fill(Tag, new TlbPage(new Iova(0), 22, IsWhole: false));
        Assert.False(Finds(Page));
        _cache.SetPart(_index, Tag, new TlbPage(Page, 12, Target));
        Assert.False(Finds(Page));
        _cache.Invalidate(section);
        _cache.SetPart(_index, Tag, new TlbPage(Page, 12, Target));
        Assert.True(Finds(Page));
    }

    [Fact]
    public void Of_pages_with_one_place_the_last_is_a_part()
    {
        var section = _cache.Fill(Tag, new TlbPage(new Iova(0x40_0000), 22, IsWhole: false));
        _cache.SetPart(section, Tag, new TlbPage(new Iova(0x40_1000), 12, Target));
        _cache.SetPart(section, Tag, new TlbPage(new Iova(0x40_5000), 12, Target));
        Assert.False(Finds(new Iova(0x40_1000)));
        Assert.True(Finds(new Iova(0x40_5000)));
        Assert.True(Finds(Page));
    }

    [Fact]
    public void A_cache_without_parts_and_an_invalid_entry_take_none()
    {
        var plain = new TranslationCache(1, 4, ReplacementPolicy.RoundRobin);
        var index = plain.Fill(Tag, new TlbPage(Group, 14, IsWhole: false));
        plain.SetPart(index, Tag, new TlbPage(Page, 12, Target));
        Assert.False(plain.TryFind(Tag, Page, out _, out _, out _));
        _cache.Invalidate(_index);
        _cache.SetPart(_index, Tag, new TlbPage(Page, 12, Target));
        Assert.False(Finds(Page));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TranslationCache(1, 13108, ReplacementPolicy.RoundRobin, hasParts: true));
    }

    private bool Finds(Iova address) => _cache.TryFind(Tag, address, out _, out _, out _);
}
