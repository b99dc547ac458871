using Aperture.Core;
using Aperture.Hardware.Translation;

namespace Aperture.Hardware.Tests.Translation;

/// <summary>Ranges that end at, before and behind the first and the last byte of a page.</summary>
public class TranslationCacheRangeTests
{
    [Theory]
    [InlineData(12)]
    [InlineData(16)]
    [InlineData(24)]
    public void A_range_takes_the_pages_that_it_touches_with_a_single_byte(int shift)
    {
        var start = 5UL << shift;
        var last = start + (1UL << shift) - 1;
        Assert.Equal((1, false), Invalidate(shift, start, start));
        Assert.Equal((1, false), Invalidate(shift, last, last));
        Assert.Equal((1, false), Invalidate(shift, start - 1, start));
        Assert.Equal((1, false), Invalidate(shift, last, last + 1));
        Assert.Equal((1, false), Invalidate(shift, start + 8, start + 8));
        Assert.Equal((1, false), Invalidate(shift, 0, ulong.MaxValue));
        Assert.Equal((0, true), Invalidate(shift, start - 1, start - 1));
        Assert.Equal((0, true), Invalidate(shift, last + 1, last + 1));
        Assert.Equal((0, true), Invalidate(shift, 0, start - 1));
        Assert.Equal((0, true), Invalidate(shift, last + 1, ulong.MaxValue));
    }

    private static (int Removed, bool IsThere) Invalidate(int shift, ulong first, ulong last)
    {
        var cache = new TranslationCache(1, 4, ReplacementPolicy.RoundRobin);
        cache.Fill(7, new TlbPage(new Iova(5UL << shift), shift, new PhysicalAddress(0x8000_0000)));
        cache.Fill(7, new TlbPage(new Iova(9UL << 40), 12, new PhysicalAddress(0x9000_0000))); // elsewhere
        var removed = cache.Invalidate(new TlbInvalidation
        {
            Tag = 7,
            TagMask = uint.MaxValue,
            First = new Iova(first),
            Last = new Iova(Math.Min(last, 1UL << 42)),
        });
        return (removed, cache.Probe(7, new Iova(5UL << shift), out _) == 1);
    }
}
