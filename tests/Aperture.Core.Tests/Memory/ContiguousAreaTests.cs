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
