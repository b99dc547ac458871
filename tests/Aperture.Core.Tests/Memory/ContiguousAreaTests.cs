using Aperture.Core.Memory;

namespace Aperture.Core.Tests.Memory;

public sealed class ContiguousAreaTests : IDisposable
{
    private const ulong Page = 4096;

    private static readonly PhysicalAddress s_anywhere = new(ulong.MaxValue);

    private readonly PhysicalMemory _memory = new(new MemoryRange(new PhysicalAddress(0x8000_0000), 256 * Page));
    private readonly MemoryRange _range = new(new PhysicalAddress(0x8001_0000), 100 * Page);
    private readonly PageAllocator _pages;

    public ContiguousAreaTests() => _pages = new PageAllocator(_memory, new ReservedRegion("cma", _range));

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void First_fit_with_any_number_of_pages()
    {
        var area = _pages.AddArea("cma", _range);
        Assert.Equal(0x8001_0000UL, Take(area, 7));
        Assert.Equal(0x8001_7000UL, Take(area, 3));
        Assert.Equal(0x8001_A000UL, Take(area, 80));
        Assert.False(area.TryAllocate(11, Page, s_anywhere, out _));
        area.Free(new PhysicalAddress(0x8001_0000), 7);
        Assert.Equal(0x8001_0000UL, Take(area, 6));
        Assert.Equal(0x8006_A000UL, Take(area, 2));
        Assert.Equal(0x8001_6000UL, Take(area, 1));
        Assert.Equal(8, area.FreePages);
        Assert.True(area.TryAllocate(1, 4 * Page, s_anywhere, out var aligned));
        Assert.Equal(0x8006_C000UL, aligned.Value);
        Assert.False(area.TryAllocate(1, Page, new PhysicalAddress(0x8006_CFFE), out _));
    }

    [Fact]
    public void An_area_is_given_out_up_to_its_last_byte_and_the_limits()
    {
        var area = _pages.AddArea("cma", _range);
        Assert.False(area.TryAllocate(101, Page, s_anywhere, out _));
        Assert.False(area.TryAllocate(100, Page, _range.Last - 1, out _));
        for (var time = 0; time < 2; time++)
        {
            Assert.True(area.TryAllocate(100, Page, _range.Last, out var all));
            Assert.Equal((_range.Start, 0), (all, area.FreePages));
            area.Free(all, 100);
        }
    }

    /// <summary>Ten pages are free, then twenty taken, then seventy free.</summary>
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(5, 0, 5, 5)]
    [InlineData(5, 100, 5, 5)]
    [InlineData(10, 0, 10, 10)]
    [InlineData(30, 4095, 10, 10)]
    [InlineData(31, 0, 11, 10)]
    [InlineData(45, 0, 25, 15)]
    [InlineData(100, 0, 80, 70)]
    [InlineData(200, 0, 80, 70)]
    public void What_is_left_up_to_an_address_is_told_to_the_page(ulong pages, ulong bytes, ulong free, ulong largest)
    {
        var area = _pages.AddArea("cma", _range);
        Take(area, 10);
        Take(area, 20);
        area.Free(_range.Start, 10);
        var room = area.Measure(_range.Start + (pages * Page) + bytes - 1);
        Assert.Equal(new MemoryRoom(free * Page, largest * Page), room);
    }

    [Fact]
    public void What_is_no_run_of_pages_is_refused_and_nothing_happens()
    {
        var area = _pages.AddArea("cma", _range);
        Assert.Throws<ArgumentOutOfRangeException>(() => area.TryAllocate(0, Page, s_anywhere, out _));
        foreach (var alignment in (ulong[])[0, 2048, 3 * Page])
            Assert.Throws<ArgumentOutOfRangeException>(() => area.TryAllocate(1, alignment, s_anywhere, out _));
        Take(area, 100);
        area.Free(_range.Start + (5 * Page), 1);
        foreach (var (at, pages) in ((PhysicalAddress, int)[])
            [(_range.Start, 0), (_range.Start, -1), (_range.Start + 8, 1), (_range.Start + (99 * Page), 2), (_range.Start - Page, 2)])
        {
            Assert.Contains("do not lie", Assert.Throws<ApertureException>(() => area.Free(at, pages)).Message, StringComparison.Ordinal);
        }

        foreach (var (first, count) in ((ulong, int)[])[(5, 1), (0, 6), (5, 2), (3, 5)])
        {
            Assert.Contains($"page {_range.Start + (5 * Page)} of",
                Assert.Throws<ApertureException>(() => area.Free(_range.Start + (first * Page), count)).Message, StringComparison.Ordinal);
        }

        Assert.Equal(1, area.FreePages);
        area.Free(_range.Start, 5); // up to the one that is free
        area.Free(_range.Start + (6 * Page), 94);
        Assert.Equal(100, area.FreePages);
        foreach (var range in (MemoryRange[])
            [new(_range.Last + 1, 0), new(_range.Last + 9, Page), new(_range.Last + 1, Page + 8)])
        {
            Assert.Contains("not a whole num", Assert.Throws<ApertureException>(() => _pages.AddArea("odd", range)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Misuse_is_named()
    {
        var area = _pages.AddArea("cma", _range);
        Assert.Contains("'again'", Assert.Throws<ApertureException>(() => _pages.AddArea("again", _range)).Message,
            StringComparison.Ordinal);
        Assert.Contains("not reserved",
            Assert.Throws<ApertureException>(() => _pages.AddArea("free", new MemoryRange(_range.Last + 1, Page))).Message,
            StringComparison.Ordinal);
        Assert.Contains("RAM", Assert.Throws<ApertureException>(() => _pages.AddArea("hole", new MemoryRange(default, Page))).Message,
            StringComparison.Ordinal);
        Assert.Contains("free already", Assert.Throws<ApertureException>(() => area.Free(_range.Start, 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("do not lie", Assert.Throws<ApertureException>(() => area.Free(_range.Last + 1, 1)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Allocations_count_for_failure_injection()
    {
        var area = _pages.AddArea("cma", _range);
        _pages.FailAllocation = 1;
        Assert.False(area.TryAllocate(1, Page, s_anywhere, out _));
        Assert.Equal(0x8001_0000UL, Take(area, 1));
    }

    private static ulong Take(ContiguousArea area, int pages)
    {
        Assert.True(area.TryAllocate(pages, Page, s_anywhere, out var start));
        return start.Value;
    }
}
