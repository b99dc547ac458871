using BenchmarkDotNet.Attributes;

namespace Aperture.Benchmarks.Hardware.Translation;

/// <summary>Translation units under the accesses of a master.</summary>
[MemoryDiagnoser]
public class TranslationBenchmarks : IDisposable
{
    private const int Accesses = 4096;

    private readonly TranslateWork _omap = TranslateWork.Omap();
    private readonly TranslateWork _exynos = TranslateWork.Exynos();
    private readonly TranslateWork _msm = TranslateWork.Msm();
    private readonly TranslateWork _tegra = TranslateWork.Tegra();
    private readonly TranslateWork _rockchip = TranslateWork.Rockchip();

    /// <summary>A hit in the cache of an OMAP MMU.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void OmapHit() => _omap.Hit(Accesses);

    /// <summary>A miss and a walk of two levels, OMAP.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void OmapWalk() => _omap.Walk(Accesses);

    /// <summary>64 KiB read through an OMAP MMU.</summary>
    [Benchmark]
    public void OmapRead64K() => _omap.Read(1);

    /// <summary>A hit in the caches of a SysMMU.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void ExynosHit() => _exynos.Hit(Accesses);

    /// <summary>A miss and a walk of two levels, SysMMU.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void ExynosWalk() => _exynos.Walk(Accesses);

    /// <summary>64 KiB read through a SysMMU.</summary>
    [Benchmark]
    public void ExynosRead64K() => _exynos.Read(1);

    /// <summary>A hit in the cache of an MSM IOMMU, four masters in turn.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void MsmHit() => _msm.Hit(Accesses);

    /// <summary>A miss and a walk of two levels, MSM.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void MsmWalk() => _msm.Walk(Accesses);

    /// <summary>A hit in the TLB of a Tegra SMMU, eight address spaces in turn.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void TegraHit() => _tegra.Hit(Accesses);

    /// <summary>A miss and a walk of two levels, Tegra.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void TegraWalk() => _tegra.Walk(Accesses);

    /// <summary>A hit in the cache of a Rockchip IOMMU.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void RockchipHit() => _rockchip.Hit(Accesses);

    /// <summary>A miss and a walk of two levels, Rockchip.</summary>
    [Benchmark(OperationsPerInvoke = Accesses)]
    public void RockchipWalk() => _rockchip.Walk(Accesses);

    /// <summary>Gives the memory back.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _omap.Dispose();
        _exynos.Dispose();
        _msm.Dispose();
        _tegra.Dispose();
        _rockchip.Dispose();
        GC.SuppressFinalize(this);
    }
}
