using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

public class StructureCacheTests
{
    [Fact]
    public void A_line_holds_one_key_and_its_words()
    {
        var cache = new StructureCache<ulong>(4, 2);
        Assert.False(cache.TryGet(1, 0, 0, out _)); // a key of zero is none that an empty line has
        var words = cache.Take(1, 0xFFFF_FFFF_0000);
        (words[0], words[1]) = (5, 6);
        Assert.True(cache.TryGet(1, 0xFFFF_FFFF_0000, 1, out var word));
        Assert.Equal(6u, word);
        Assert.False(cache.TryGet(1, 0xFFFF_0000, 1, out _));
        Assert.False(cache.TryGet(2, 0xFFFF_FFFF_0000, 1, out _));
        cache.Take(1, 8)[0] = 9;
        Assert.False(cache.TryGet(1, 0xFFFF_FFFF_0000, 1, out _));
        Assert.Equal((1ul, 4ul), (cache.Hits, cache.Misses));
    }

    [Fact]
    public void Keys_go_one_by_one_by_a_rule_or_all()
    {
        var cache = new StructureCache<(uint Device, uint Function)>(8, 1);
        for (var i = 0u; i < 8; i++)
            cache.Take((int)i, (i / 2, i))[0] = i;
        Assert.False(cache.Remove(3, (0, 3)));
        Assert.True(cache.Remove(3, (1, 3)));
        Assert.Equal(2, cache.RemoveWhere(key => key.Device == 2));
        Assert.Equal(1, cache.RemoveWhere(key => key.Device == 1));
        Assert.True(cache.TryGet(0, (0, 0), 0, out _));
        cache.Clear();
        Assert.All(Enumerable.Range(0, 8), i => Assert.False(cache.TryGet(i, ((uint)i / 2, (uint)i), 0, out _)));
    }
}
