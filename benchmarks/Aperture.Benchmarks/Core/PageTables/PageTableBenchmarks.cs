using Aperture.Core.PageTables.Formats;
using BenchmarkDotNet.Attributes;

namespace Aperture.Benchmarks.Core.PageTables;

/// <summary>Page tables of each format, without a unit.</summary>
[MemoryDiagnoser]
public class PageTableBenchmarks : IDisposable
{
    private const int Pages = 1024;
    private const int Runs = 16;

    private readonly TableWork<OmapFormat> _omap = new(default);
    private readonly TableWork<ExynosFormat> _exynos1 = new(default);
    private readonly TableWork<ExynosFormat> _exynos5 = new(new ExynosFormat(isWide: true));
    private readonly TableWork<TegraFormat> _tegra = new(new(34));
    private readonly TableWork<ArmShortFormat> _armShort = new(new ArmShortFormat(new()));
    private readonly TableWork<ArmLpaeFormat> _lpae = new(new ArmLpaeFormat(new()));
    private readonly TableWork<AmdV1Format> _amd = new(new AmdV1Format(3));
    private readonly TableWork<RockchipFormat> _rockchip = new(new RockchipFormat(isWide: true));

    /// <summary>One page, OMAP.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void OmapPage() => _omap.Page(Pages);

    /// <summary>One page that needs a table of its own, OMAP.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void OmapLonePage() => _omap.LonePage(Pages);

    /// <summary>256 pages, OMAP; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void OmapPages256() => _omap.Pages256(Runs);

    /// <summary>One page, SysMMU up to version 4.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Exynos1Page() => _exynos1.Page(Pages);

    /// <summary>256 pages, SysMMU up to version 4; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void Exynos1Pages256() => _exynos1.Pages256(Runs);

    /// <summary>One page, SysMMU from version 5 on.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Exynos5Page() => _exynos5.Page(Pages);

    /// <summary>256 pages, SysMMU from version 5 on; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void Exynos5Pages256() => _exynos5.Pages256(Runs);

    /// <summary>One page, ARM short descriptors.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void ArmShortPage() => _armShort.Page(Pages);

    /// <summary>256 pages, ARM short descriptors; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void ArmShortPages256() => _armShort.Pages256(Runs);

    /// <summary>One page, ARM long descriptors of four levels.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void LpaePage() => _lpae.Page(Pages);

    /// <summary>256 pages, ARM long descriptors of four levels; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void LpaePages256() => _lpae.Pages256(Runs);

    /// <summary>One page, AMD v1 of three levels.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void AmdPage() => _amd.Page(Pages);

    /// <summary>256 pages, AMD v1 of three levels; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void AmdPages256() => _amd.Pages256(Runs);

    /// <summary>One page, Tegra.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void TegraPage() => _tegra.Page(Pages);

    /// <summary>256 pages, Tegra; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void TegraPages256() => _tegra.Pages256(Runs);

    /// <summary>One page, Rockchip version 2.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void RockchipPage() => _rockchip.Page(Pages);

    /// <summary>256 pages, Rockchip version 2; the figure is for one page.</summary>
    [Benchmark(OperationsPerInvoke = Runs * 256)]
    public void RockchipPages256() => _rockchip.Pages256(Runs);

    /// <summary>Gives the tables back.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _omap.Dispose();
        _exynos1.Dispose();
        _exynos5.Dispose();
        _tegra.Dispose();
        _armShort.Dispose();
        _lpae.Dispose();
        _amd.Dispose();
        _rockchip.Dispose();
        GC.SuppressFinalize(this);
    }
}
