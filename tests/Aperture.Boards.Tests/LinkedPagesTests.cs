using Aperture.Boards.Tests.Checking;
using Aperture.Boards.Tests.Running;
using Aperture.Core;
using Aperture.Dma;
using Aperture.Iommu;

namespace Aperture.Boards.Tests;

/// <summary>Memory linked page by page to the device addresses of masters behind every unit: pages that wait for others to go into the
/// tables together are there when the device may use them, and none is forgotten or left behind.</summary>
public class LinkedPagesTests
{
    private const int Page = 4096;

    public static TheoryData<string, DomainType> Boards
    {
        get
        {
            var data = new TheoryData<string, DomainType>();
            foreach (var board in BoardFiles.Names(BoardFiles.Own))
            {
                data.Add(board, DomainType.Dma);
                data.Add(board, DomainType.DmaDeferred);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Boards))]
    public void Every_page_is_where_it_was_linked_after_the_sync(string board, DomainType type)
    {
        using var machine = Machine.Boot(Runs.Own(board), new MachineOptions { DefaultDomain = type });
        var tried = 0;
        foreach (var device in machine.Masters.Select(master => master.Device!).Where(device => device.Iommu?.Domain is { IsPaging: true }))
        {
            var domain = device.Iommu!.Domain!;
            using var links = new LinkedMapping();
            // The first round leaves tables behind that the domain keeps. More pages than a table of any unit has entries.
            foreach (var count in (int[])[1, 700, 70, 700])
            {
                var pages = Enumerable.Range(0, count).Select(_ => device.Dma.Memory.Allocate(Page)).Reverse().ToArray();
                if (!links.TryAllocate(device.Dma, (ulong)count * Page))
                    break;
                for (var i = 0; i < count; i++)
                    links.Link((ulong)i * Page, pages[i], DmaDirection.FromDevice);
                links.Sync();
                for (var i = 0; i < count; i++)
                {
                    Assert.True(domain.TryTranslate(links.Address + (ulong)(i * Page), out var physical));
                    Assert.Equal(pages[i].Address, physical);
                }

                var (first, last) = (links.Address, links.Address + (ulong)((count - 1) * Page));
                links.Free();
                Assert.False(domain.TryTranslate(first, out _));
                Assert.False(domain.TryTranslate(last, out _));
                foreach (var page in pages)
                    device.Dma.Memory.Free(page);
                tried++;
            }
        }

        Assert.True(tried > 0 || machine.Masters.All(master => master.Device!.Iommu is null));
    }

    [Fact]
    public void A_page_that_is_taken_is_refused_at_its_own_link_and_those_before_it_stand()
    {
        using var machine = Machine.Boot(Runs.Own("exynos4412-media"));
        var device = machine.Masters.Select(master => master.Device!).First(device => device.Iommu?.Domain is { IsPaging: true });
        var pages = Enumerable.Range(0, 8).Select(_ => device.Dma.Memory.Allocate(Page)).Reverse().ToArray();
        using var links = new LinkedMapping();
        Assert.True(links.TryAllocate(device.Dma, 8 * Page));
        Status Link(int place, int page) => links.TryLink((ulong)(place * Page), pages[page], DmaDirection.ToDevice);

        Assert.Equal([Status.Ok, Status.Ok, Status.Ok, Status.Ok], [Link(4, 0), Link(0, 1), Link(1, 2), Link(2, 3)]);
        Assert.Equal(Status.AlreadyExists, Link(1, 4));
        Assert.Equal([Status.Ok, Status.AlreadyExists, Status.Ok], [Link(3, 4), Link(4, 5), Link(5, 5)]);
        links.Sync();
        Assert.Equal(
            [pages[1].Address, pages[2].Address, pages[3].Address, pages[4].Address, pages[0].Address, pages[5].Address],
            Enumerable.Range(0, 6).Select(place =>
                device.Iommu!.Domain!.TryTranslate(links.Address + (ulong)(place * Page), out var physical) ? physical : default));
        links.Unlink(2 * Page, 2 * Page);
        Assert.Equal([Status.Ok, Status.Ok], [Link(2, 6), Link(3, 7)]);
        Assert.Equal(Status.AlreadyExists, Link(4, 6));
        links.Unlink(0, 6 * Page);
        Assert.False(device.Iommu!.Domain!.TryTranslate(links.Address, out _));
    }

    [Fact]
    public void Pages_that_no_sync_followed_go_with_the_rest()
    {
        using var machine = Machine.Boot(Runs.Own("rk3399-media"));
        var device = machine.Masters.Select(master => master.Device!).First(device => device.Iommu?.Domain is { IsPaging: true });
        var used = device.Iommu!.Domain!;
        var pages = Enumerable.Range(0, 5).Select(_ => device.Dma.Memory.Allocate(Page)).Reverse().ToArray();
        using var links = new LinkedMapping();
        Assert.True(links.TryAllocate(device.Dma, 6 * Page));
        for (var i = 0; i < pages.Length; i++)
            links.Link((ulong)(i * Page), pages[i], DmaDirection.ToDevice);
        var first = links.Address;
        links.Free();
        Assert.All(pages, page => device.Dma.Memory.Free(page));
        Assert.All(Enumerable.Range(0, 6), place => Assert.False(used.TryTranslate(first + (ulong)(place * Page), out _)));
        Assert.True(links.TryAllocate(device.Dma, 6 * Page)); // the same device addresses, in good order
        Assert.Equal(first, links.Address);
    }
}
