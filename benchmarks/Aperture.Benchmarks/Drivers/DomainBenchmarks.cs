using BenchmarkDotNet.Attributes;

namespace Aperture.Benchmarks.Drivers;

/// <summary>Map, unmap and commit in the domain of a master on a booted board.</summary>
[MemoryDiagnoser]
public class DomainBenchmarks : IDisposable
{
    private const int Pages = 1024;

    private readonly DomainWork _omap = DomainWork.Omap();
    private readonly DomainWork _exynos4 = DomainWork.Exynos4();
    private readonly DomainWork _exynos5 = DomainWork.Exynos5();
    private readonly DomainWork _msm = DomainWork.Msm();
    private readonly DomainWork _tegra = DomainWork.Tegra();
    private readonly DomainWork _rockchip = DomainWork.Rockchip();
    private readonly DomainWork _smmuV3 = DomainWork.SmmuV3();

    /// <summary>One page behind an OMAP MMU.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Omap() => _omap.Page(Pages);

    /// <summary>One page behind a SysMMU version 3.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Exynos4() => _exynos4.Page(Pages);

    /// <summary>One page behind a SysMMU version 5.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Exynos5() => _exynos5.Page(Pages);

    /// <summary>One page behind an MSM IOMMU.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Msm() => _msm.Page(Pages);

    /// <summary>One page behind a Tegra SMMU.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Tegra() => _tegra.Page(Pages);

    /// <summary>One page behind a Rockchip IOMMU.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void Rockchip() => _rockchip.Page(Pages);

    /// <summary>One page behind an Arm SMMUv3.</summary>
    [Benchmark(OperationsPerInvoke = Pages)]
    public void SmmuV3() => _smmuV3.Page(Pages);

    /// <summary>Switches the boards off.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _omap.Dispose();
        _exynos4.Dispose();
        _exynos5.Dispose();
        _msm.Dispose();
        _tegra.Dispose();
        _rockchip.Dispose();
        _smmuV3.Dispose();
        GC.SuppressFinalize(this);
    }
}
