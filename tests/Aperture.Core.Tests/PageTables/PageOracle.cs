using Aperture.Core.PageTables;

namespace Aperture.Core.Tests.PageTables;

/// <summary>What a page table must say, in the most obvious way: for each smallest page of a window the page behind it, or
/// nothing.</summary>
public sealed class PageOracle(ulong start, int pages, ulong pageBytes)
{
    private readonly ulong[] _pages = new ulong[pages]; // address | protection << 56 | 1; 0: nothing

    public ulong PageBytes => pageBytes;

    public ulong Start => start;

    public int Pages => pages;

    public int Mapped => pages - _pages.AsSpan().Count(0UL);

    public bool TryMap(int page, ulong pa, int count, Protection protection)
    {
        var range = _pages.AsSpan(page, count);
        if (range.ContainsAnyExcept(0UL))
            return false;
        for (var i = 0; i < count; i++)
            range[i] = Pack(pa + ((ulong)i * PageBytes), protection);
        return true;
    }

    public bool TryMapPages(int page, ReadOnlySpan<PhysicalAddress> addresses, Protection protection)
    {
        var range = _pages.AsSpan(page, addresses.Length);
        if (range.ContainsAnyExcept(0UL))
            return false;
        for (var i = 0; i < range.Length; i++)
            range[i] = Pack(addresses[i].Value, protection);
        return true;
    }

    public int Unmap(int page, int count)
    {
        var range = _pages.AsSpan(page, count);
        var hole = range.IndexOf(0UL);
        if (hole >= 0)
            range = range[..hole];
        range.Clear();
        return range.Length;
    }

    public void Check<TFormat>(PageTable<TFormat> table, ulong iova)
        where TFormat : struct, IPageTableFormat
    {
        var expected = _pages[(iova - start) / PageBytes];
        var found = table.TryTranslate(new Iova(iova), out var translation);
        if (found != (expected != 0) || (found && Pack(translation.Address.Value & ~(PageBytes - 1), translation.Protection) != expected))
            Assert.Fail($"0x{iova:x8}: expected 0x{expected:x}, got {(found ? translation.ToString() : "nothing")}");
        if (found && (translation.Address.Value & (PageBytes - 1)) != (iova & (PageBytes - 1)))
            Assert.Fail($"0x{iova:x8}: wrong offset in {translation}");
    }

    public void CheckAll<TFormat>(PageTable<TFormat> table)
        where TFormat : struct, IPageTableFormat
    {
        var seen = new ulong[pages];
        foreach (var mapping in table.EnumerateMappings())
        {
            for (ulong offset = 0; offset < 1UL << mapping.PageShift; offset += PageBytes)
                seen[(mapping.Page.Value + offset - start) / PageBytes] = Pack(mapping.Address.Value + offset, mapping.Protection);
        }

        var same = _pages.AsSpan().CommonPrefixLength(seen);
        if (same != pages)
            Assert.Fail($"0x{start + ((ulong)same * PageBytes):x8}: expected 0x{_pages[same]:x}, enumerated 0x{seen[same]:x}");
    }

    private static ulong Pack(ulong address, Protection protection) => address | 1
        | ((((ulong)protection & 3) | (((ulong)protection >> 14) & 0xFC)) << 56);
}
