using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.Core.PageTables.Formats;
using Aperture.Core.Tests.PageTables;
using Xunit.Abstractions;

namespace Aperture.Schedules.Tests;

/// <summary>Neighbours in one table under every order of steps: each sees its own, and tables come and go once.</summary>
public sealed class PageTableSchedules(ITestOutputHelper output) : IDisposable
{
    private const ulong Page = 4096;
    private readonly TestMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Omap() => Neighbours(default(OmapFormat));

    [Fact]
    public void Arm_short() => Neighbours(new ArmShortFormat(new()));

    [Fact]
    public void Arm_long() => Neighbours(new ArmLpaeFormat(new()));

    [Fact]
    public void Amd() => Neighbours(new AmdV1Format(3));

    /// <summary>A large page is split by one thread while another unmaps and maps beside it.</summary>
    [Fact]
    public void A_split_beside_a_map() => Explore.Holds(output, () =>
    {
        var table = new PageTable<ArmLpaeFormat>(new ArmLpaeFormat(new()), _machine.Tables);
        var start = new Iova(0x4000_0000);
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.Map(start, new PhysicalAddress(0x8000_0000), 2 << 20, Protection.ReadWrite, ref gather));
        return new Concurrent(
            [
                () => Remove(table, start + (3 * Page), Page),
                () =>
                {
                    Remove(table, start + (8 * Page), Page);
                    Map(table, start + (8 * Page), 0x9000_0000);
                },
            ],
            () =>
            {
                Assert.False(table.TryTranslate(start + (3 * Page), out _));
                Leads(table, start + (8 * Page), 0x9000_0000);
                Leads(table, start + (2 * Page), 0x8000_2000);
                Leads(table, start + (9 * Page), 0x8000_9000);
                table.Dispose();
            });
    });

    private void Neighbours<TFormat>(TFormat format)
        where TFormat : struct, IPageTableFormat
    {
        var before = _machine.Tables.BytesInUse;
        Explore.Holds(output, () =>
        {
            var table = new PageTable<TFormat>(format, _machine.Tables);
            return new Concurrent([() => Use(0), () => Use(1)], () =>
            {
                for (ulong thread = 0; thread < 2; thread++)
                {
                    Leads(table, At(thread, 0), 0x8000_0000 + (thread << 16));
                    Assert.False(table.TryTranslate(At(thread, 1), out _));
                    Leads(table, At(thread, 2), 0x8000_2000 + (thread << 16));
                    Remove(table, At(thread, 0), Page);
                    Remove(table, At(thread, 2), Page);
                }

                table.Dispose();
                Assert.Equal(before, _machine.Tables.BytesInUse);
            });

            void Use(ulong thread)
            {
                for (ulong page = 0; page < 2; page++)
                    Map(table, At(thread, page), 0x8000_0000 + (thread << 16) + (page * Page));
                Leads(table, At(thread, 0), 0x8000_0000 + (thread << 16));
                Remove(table, At(thread, 1), Page);
                Remove(table, At(thread, 0), Page);
                Map(table, At(thread, 0), 0x8000_0000 + (thread << 16));
                Map(table, At(thread, 2), 0x8000_2000 + (thread << 16));
            }
        });

        // Entries of one table, in turn.
        static Iova At(ulong thread, ulong page) => new(0x1000_0000 + (((page * 2) + thread) * Page));
    }

    private static void Map<TFormat>(PageTable<TFormat> table, Iova iova, ulong address)
        where TFormat : struct, IPageTableFormat
    {
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.Map(iova, new PhysicalAddress(address), Page, Protection.ReadWrite, ref gather));
        gather.ClearRanges();
        table.FreeGathered(ref gather);
    }

    private static void Remove<TFormat>(PageTable<TFormat> table, Iova iova, ulong bytes)
        where TFormat : struct, IPageTableFormat
    {
        var gather = default(InvalidationGather);
        Assert.Equal(Status.Ok, table.Unmap(iova, bytes, ref gather, out var unmapped));
        Assert.Equal(bytes, unmapped);
        gather.ClearRanges();
        table.FreeGathered(ref gather);
    }

    private static void Leads<TFormat>(PageTable<TFormat> table, Iova iova, ulong address)
        where TFormat : struct, IPageTableFormat
    {
        Assert.True(table.TryTranslate(iova, out var found), $"nothing at {iova}");
        Assert.Equal(address, found.Address.Value);
    }
}
