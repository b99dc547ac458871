using Aperture.Core;
using Aperture.Core.Addresses;

namespace Aperture.Tests.Dma;

public class IovaSpaceTests
{
    private const ulong Page = 0x1000;

    [Fact]
    public void Reserved_pages_are_not_given_out()
    {
        var space = new IovaSpace(Page, new Iova(0xFFFF));
        space.Reserve(new Iova(0x1800), 0x1000);
        space.Reserve(new Iova(0x8000), ulong.MaxValue);
        space.Reserve(new Iova(0x2000), 0);
        var given = new List<ulong>();
        while (space.TryAllocate(Page, new Iova(ulong.MaxValue), out var start))
            given.Add(start.Value);
        Assert.Equal([0x3000ul, 0x4000ul, 0x5000ul, 0x6000ul, 0x7000ul], given.Order());
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(ulong.MaxValue)]
    [InlineData(0x1_0000_0001ul)]
    public void Impossible_sizes_are_refused(ulong bytes)
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        Assert.False(space.TryAllocate(bytes, new Iova(ulong.MaxValue), out _));
        Assert.Equal(Page, space.UsedBytes);
    }

    [Fact]
    public void What_is_not_taken_cannot_be_freed()
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        Assert.True(space.TryAllocate(Page, new Iova(ulong.MaxValue), out var start));
        Assert.Throws<ApertureException>(() => space.Free(start, 2 * Page));
        Assert.Throws<ApertureException>(() => space.Free(new Iova(0), Page));
        Assert.Throws<ApertureException>(() => space.Free(new Iova(0x10_0000_0000), Page));
        Assert.Throws<ApertureException>(() => space.Free(start, ulong.MaxValue));
        space.Free(start, Page);
        Assert.Throws<ApertureException>(() => space.Free(start, Page));
        Assert.Throws<ApertureException>(() => new IovaSpace(3000, default(Iova)));
    }

    [Fact]
    public void Wrong_frees_name_the_range()
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        Assert.True(space.TryAllocate(3 * Page, new Iova(uint.MaxValue), out var start));
        Assert.Equal(0x4000ul, start.Value);
        Assert.Throws<ApertureException>(() => space.Free(start + 1, 3 * Page));
        Assert.Throws<ApertureException>(() => space.Free(start + Page, Page));
        Assert.Throws<ApertureException>(() => space.Free(start, 2 * Page));
        var error = Assert.Throws<ApertureException>(() => space.Free(start, 4 * Page));
        Assert.Equal(Status.InvalidArgument, error.Status);
        Assert.Contains("0x4000 bytes at device address 0x00004000", error.Message, StringComparison.Ordinal);
        Assert.Equal(4 * Page, space.UsedBytes);
        space.Free(start, (3 * Page) - 5);
        Assert.Equal(Page, space.UsedBytes);
    }

    [Fact]
    public void Reserved_pages_cannot_be_freed()
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        space.Reserve(new Iova(0x10_0000), 0x10_0000);
        Assert.Throws<ApertureException>(() => space.Free(new Iova(0x10_0000), 0x10_0000));
        Assert.False(space.TryTake(new Iova(0x1F_F000), Page));
        Assert.True(space.TryTake(new Iova(0x20_0000), Page));
    }

    [Fact]
    public void A_range_at_a_chosen_place_may_wait_in_a_cache()
    {
        var space = new IovaSpace(Page, new Iova(uint.MaxValue));
        Assert.True(space.TryAllocate(Page, new Iova(uint.MaxValue), out var start));
        space.Free(start, Page);
        Assert.True(space.TryTake(start, 2 * Page));
        Assert.False(space.TryTake(start, Page));
        space.Free(start, 2 * Page);
        Assert.Equal(Page, space.UsedBytes);
    }

    [Fact]
    public void Above_4_GiB_only_who_can_goes()
    {
        var space = new IovaSpace(Page, new Iova(0xFF_FFFF_FFFF));
        Assert.True(space.TryAllocate(Page, new Iova(ulong.MaxValue), out var high));
        Assert.True(space.TryAllocate(Page, new Iova(uint.MaxValue), out var low));
        Assert.True(high.Value > uint.MaxValue && low.Value <= uint.MaxValue);
        space.Free(high, Page);
        // What waits in the cache lies too high.
        Assert.True(space.TryAllocate(Page, new Iova(uint.MaxValue), out low));
        Assert.True(low.Value <= uint.MaxValue);
    }

    [Fact]
    public void Caches_never_hide_the_last_free_range()
    {
        var space = new IovaSpace(Page, new Iova(0xF_FFFF));
        var given = new List<Iova>();
        while (space.TryAllocate(4 * Page, new Iova(ulong.MaxValue), out var start))
            given.Add(start);
        Assert.Equal(63, given.Count);
        foreach (var start in given)
            space.Free(start, 4 * Page);

        // All of it is in a cache of this thread, in pieces of four pages; another thread wants it in one piece.
        var isFound = false;
        var thread = new Thread(() => isFound = space.TryAllocate(128 * Page, new Iova(ulong.MaxValue), false, out _)
            || space.TryAllocate(128 * Page, new Iova(ulong.MaxValue), out _));
        thread.Start();
        thread.Join();
        Assert.True(isFound);
        Assert.Equal(129 * Page, space.UsedBytes);
    }

    [Fact]
    public void Small_ranges_leave_large_ones_room()
    {
        var space = new IovaSpace(Page, new Iova(0x3FF_FFFF)); // 64 MiB
        for (var i = 0; i < 511; i++)
            Assert.True(space.TryAllocate(Page, new Iova(ulong.MaxValue), out _));
        Assert.Equal(0, space.Fragmentation);
        for (var i = 0; i < 31; i++)
        {
            Assert.True(space.TryAllocate(0x20_0000, new Iova(ulong.MaxValue), out var start));
            Assert.True(start.IsAligned(0x20_0000));
        }

        Assert.False(space.TryAllocate(Page, new Iova(ulong.MaxValue), out _));
    }

    [Fact]
    public void Fragmentation_is_what_large_pages_cannot_use()
    {
        var space = new IovaSpace(Page, new Iova(0x3F_FFFF)); // two blocks of 512 pages
        Assert.Equal(0, space.Fragmentation);
        Assert.True(space.TryTake(new Iova(0x1000), Page));
        Assert.Equal(510 / 1022.0, space.Fragmentation);
        Assert.True(space.TryTake(new Iova(0x20_0000), Page));
        Assert.Equal(1, space.Fragmentation);
    }

    [Fact]
    public void Empty_spaces_cost_nearly_nothing()
    {
        var spaces = new IovaSpace[100];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < spaces.Length; i++)
            spaces[i] = new IovaSpace(Page, new Iova(ulong.MaxValue));
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / spaces.Length, 1, 256);
        GC.KeepAlive(spaces);
    }

    [Theory]
    [InlineData(0x1000)]
    [InlineData(0x1_0000)]
    public void Addresses_come_from_the_windows_only(int page)
    {
        var size = (ulong)page;
        (Iova, Iova)[] windows =
        [
            (new Iova(0x10_1800), new Iova(0x17_FFFF)),
            (new Iova(0x20_0000), new Iova(0x20_0FFF)), // no whole page of 64 KiB
            (new Iova(1UL << 59), new Iova((1UL << 59) + 0x7_FFFE)),
        ];
        var space = new IovaSpace(size, windows);
        var given = new HashSet<ulong>();
        while (space.TryAllocate(size, new Iova(ulong.MaxValue), out var start))
        {
            Assert.True(given.Add(start.Value));
            Assert.Contains(windows, window => start >= window.Item1 && start.Value + (size - 1) <= window.Item2.Value);
        }

        var whole = windows.Sum(window => (int)(((window.Item2.Value + 1) / size) - ((window.Item1.Value + size - 1) / size)));
        Assert.Equal(whole, given.Count);
        foreach (var start in given)
            space.Free(new Iova(start), size);
        Assert.False(space.TryTake(new Iova(0x18_0000), size));
        Assert.True(space.TryTake(new Iova(0x11_0000), size));
    }

    [Fact]
    public void Windows_may_end_with_the_space_and_must_be_in_order()
    {
        var top = new IovaSpace(4096,
            [(new Iova(0x1000), new Iova(0x1FFF)), (new Iova(ulong.MaxValue - 0x1FFF), new Iova(ulong.MaxValue))]);
        Assert.True(top.TryTake(new Iova(ulong.MaxValue - 0xFFF), 4096));
        Assert.True(top.TryTake(new Iova(ulong.MaxValue - 0x1FFF), 4096));
        Assert.True(top.TryTake(new Iova(0x1000), 4096));
        Assert.False(top.TryTake(new Iova(0x2000), 4096));
        Assert.Throws<ApertureException>(() =>
            new IovaSpace(4096, [(new Iova(0x2000), new Iova(0x3000)), (new Iova(0x3000), new Iova(0x4000))]));
        Assert.Throws<ApertureException>(() => new IovaSpace(4096, []));
    }
}
