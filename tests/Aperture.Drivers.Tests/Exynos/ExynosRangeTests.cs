using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Drivers.Exynos;
using Aperture.Hardware.Exynos;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Exynos;

/// <summary>Versions 5 to 7, which forget a range that they are told by its first and last page.</summary>
public sealed class ExynosRangeTests
{
    private static readonly Iova s_iova = new(0x1000_0000);

    public static TheoryData<uint, uint, uint> Units => new()
    {
        { SysMmuVersion.Of(5, 0).Value, 0, 0 },
        { SysMmuVersion.Of(6, 0).Value, 0, 0 },
        { SysMmuVersion.Of(7, 4).Value, 0, 0 },
        { SysMmuVersion.Of(7, 4).Value, 0x800, 0x4000 },
    };

    /// <summary>More pages than fit one by one, as well: a range has no limit.</summary>
    [Theory]
    [MemberData(nameof(Units))]
    public void A_range_is_told_by_its_first_and_last_page_and_nothing_beside_it_goes(uint version, uint capability0, uint capability1)
    {
        foreach (var pages in (ulong[])[4, 5, 64, 100])
        {
            var told = Unmap(SysMmuOptions.ForVersion(version, capability0, capability1), new ExynosDriverOptions(), pages);
            Assert.Equal([(1, Flush.First), (1, Flush.Last), (1, Flush.Range)], told);
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Few_pages_are_told_one_by_one(uint version, uint capability0, uint capability1)
    {
        foreach (var pages in (ulong[])[1, 2, 3])
        {
            var told = Unmap(SysMmuOptions.ForVersion(version, capability0, capability1), new ExynosDriverOptions(), pages);
            Assert.Equal([((int)pages, Flush.Entry)], told);
        }
    }

    [Theory]
    [MemberData(nameof(Units))]
    public void Without_ranges_each_page_is_told_and_many_are_told_as_all(uint version, uint capability0, uint capability1)
    {
        var options = SysMmuOptions.ForVersion(version, capability0, capability1);
        var without = new ExynosDriverOptions { FlushesRanges = false };
        Assert.Equal([(64, Flush.Entry)], Unmap(options, without, 64));
        Assert.Equal([(1, Flush.All)], Unmap(options, without, 65));
    }

    [Fact]
    public void Before_version_5_there_are_no_ranges() =>
        Assert.Equal([(4, Flush.Entry)], Unmap(SysMmuOptions.V33, new ExynosDriverOptions(), 4));

    /// <summary>Maps pages and two beside them, lets the unit cache those at the ends, and unmaps.</summary>
    /// <returns>What the unit was told, in order.</returns>
    private static List<(int Times, Flush What)> Unmap(SysMmuOptions options, ExynosDriverOptions driver, ulong pages)
    {
        var told = Unmap(options, driver, pages, looksAt: 0); // a refusal holds the unit back: one look each
        Assert.Equal(told, Unmap(options, driver, pages, looksAt: pages - 1));
        return told;
    }

    private static List<(int Times, Flush What)> Unmap(SysMmuOptions options, ExynosDriverOptions driver, ulong pages, ulong looksAt)
    {
        using var board = new ExynosBoard(options, driver: driver);
        var unit = board.AddUnit();
        unit.On();
        var master = board.AddMaster(unit);
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        Assert.Equal(Status.Ok, domain.Map(s_iova - 4096, board.Data, (pages + 2) * 4096, Protection.ReadWrite));
        foreach (var page in (ulong[])[0, 1, pages, pages + 1]) // those at the ends, and those beside them
            master.Reaches(s_iova - 4096 + (page * 4096), board.Data + (page * 4096));

        var told = new List<(int Times, Flush What)>();
        unit.Registers.Loses = offset =>
        {
            if (WhatIs(offset, ((ExynosSysMmuUnit)unit.Unit).Identity) is { } what)
            {
                if (told.Count != 0 && told[^1].What == what)
                    told[^1] = (told[^1].Times + 1, what);
                else
                    told.Add((1, what));
            }

            return false;
        };
        Assert.Equal(pages * 4096, domain.Unmap(s_iova, pages * 4096));
        unit.Registers.Loses = null;

        var walks = unit.Model.Counters.Misses;
        master.Reaches(s_iova - 4096, board.Data);
        master.Reaches(s_iova + (pages * 4096), board.Data + ((pages + 1) * 4096));
        if (told[0].What != Flush.All)
            Assert.Equal(walks, unit.Model.Counters.Misses);
        master.IsRefused(s_iova + (looksAt * 4096));
        return told;
    }

    private static Flush? WhatIs(uint offset, SysMmuIdentity identity) => (identity.Version.Major, identity.HasVm, offset) switch
    {
        ( < 5, _, SysMmuV1Register.FlushEntry) => Flush.Entry,
        ( < 5, _, SysMmuV1Register.Flush) => Flush.All,
        ( < 5, _, _) => null,
        (_, false, SysMmuV5Register.FlushEntry) or (_, true, SysMmuVmRegister.Block + SysMmuVmRegister.FlushEntry) => Flush.Entry,
        (_, false, SysMmuV5Register.Flush) or (_, true, SysMmuVmRegister.Block + SysMmuVmRegister.Flush) => Flush.All,
        (_, false, SysMmuV5Register.FlushRangeStart) or (_, true, SysMmuVmRegister.Block + SysMmuVmRegister.FlushRangeStart) => Flush.First,
        (_, false, SysMmuV5Register.FlushRangeEnd) or (_, true, SysMmuVmRegister.Block + SysMmuVmRegister.FlushRangeEnd) => Flush.Last,
        (_, false, SysMmuV5Register.FlushRange) or (_, true, SysMmuVmRegister.Block + SysMmuVmRegister.FlushRange) => Flush.Range,
        _ => null,
    };

    private enum Flush
    {
        Entry,
        All,
        First,
        Last,
        Range,
    }
}
