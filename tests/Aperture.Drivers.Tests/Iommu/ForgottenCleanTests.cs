using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Drivers.Tests.Exynos;
using Aperture.Drivers.Tests.Omap;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Omap;
using Aperture.Iommu;

namespace Aperture.Drivers.Tests.Iommu;

/// <summary>Where the CPU's caches are modelled, page tables that nobody cleans are not seen by a walker.</summary>
public sealed class ForgottenCleanTests
{
    private static readonly Iova s_iova = new(0x1000_0000);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_omap_mmu_faults(bool cleans) =>
        Check(cleans, tables => new OmapBoard(OmapMmuOptions.Omap3Isp, new() { TlbEntries = 8 }, new CpuCacheOptions(), tables));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_sysmmu_faults(bool cleans) => Check(cleans, tables => new ExynosBoard(SysMmuOptions.V5, new CpuCacheOptions(), tables));

    [Fact]
    public void Without_modelled_caches_nobody_notices()
    {
        using var board = new ExynosBoard(SysMmuOptions.V5, tables: tables => new ForgetfulTables(tables));
        MapOne(board).Reaches(s_iova, board.Data);
    }

    private static void Check(bool cleans, Func<Func<ITableMemory, ITableMemory>, UnitBoard> make)
    {
        using var board = make(tables => cleans ? tables : new ForgetfulTables(tables));
        var master = MapOne(board);
        if (cleans)
            master.Reaches(s_iova, board.Data);
        else
            master.IsRefused(s_iova);
    }

    private static MasterOnBoard MapOne(UnitBoard board)
    {
        var unit = board.AddUnit();
        var master = board.AddMaster(unit);
        unit.On();
        var domain = unit.Unit.CreateDomain(DomainType.Unmanaged);
        master.Group.Attach(domain);
        Assert.Equal(Status.Ok, domain.Map(s_iova, board.Data, 4096, Protection.ReadWrite));
        return master;
    }
}
