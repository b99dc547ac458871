using Aperture.Boards;
using Aperture.Core;
using Aperture.Core.PageTables;
using Aperture.DeviceTrees;
using Aperture.Iommu;

namespace Aperture.Benchmarks.Drivers;

/// <summary>The address space of a master on a booted board: its unit is powered, its driver invalidates through registers.</summary>
internal sealed class DomainWork : IDisposable
{
    private static readonly Iova Base = new(0x1000_0000);
    private readonly Machine _machine;
    private readonly IommuDomain _domain;
    private readonly PhysicalAddress _target;

    private DomainWork(string board)
    {
        using var resource = typeof(DomainWork).Assembly.GetManifestResourceStream($"boards/{board}.dtb")!;
        var tree = new byte[resource.Length];
        resource.ReadExactly(tree);
        _machine = Machine.Boot(DeviceTree.Parse(tree));
        var master = _machine.Masters.First(master => master is { Device.Iommu: not null, Units.Count: 1 }).Device!;
        master.Power.Get();
        _domain = master.Iommu!.Domain!;
        _target = master.Dma.Memory.Allocate(64 << 12).Address;
        // A neighbour keeps the table alive, as in any space in use.
        Check(_domain.Map(Base + 0xF_F000, _target, 4096, Protection.ReadWrite));
    }

    /// <summary>An OMAP3 camera MMU: 8 entries.</summary>
    public static DomainWork Omap() => new("omap3-isp");

    /// <summary>A SysMMU v5.</summary>
    public static DomainWork Exynos5() => new("exynos5433-media");

    /// <summary>A SysMMU v3, whose registers need the master's clock.</summary>
    public static DomainWork Exynos4() => new("exynos4412-media");

    /// <summary>An MSM IOMMU, whose registers need two clocks around each sequence.</summary>
    public static DomainWork Msm() => new("apq8064-media");

    /// <summary>A Tegra124 SMMU, told of maps as well.</summary>
    public static DomainWork Tegra() => new("tegra124-media");

    /// <summary>A Rockchip IOMMU v1, told of maps as well, whose registers need two clocks around each sequence.</summary>
    public static DomainWork Rockchip() => new("rk3399-media");

    /// <summary>An Arm SMMUv3 with range invalidations, told by its command queue.</summary>
    public static DomainWork SmmuV3() => new("smmuv3-media");

    /// <summary>Maps and unmaps a page of 4 KiB and lets the unit forget it.</summary>
    public void Page(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var iova = Base + (((ulong)i & 63) << 12);
            Check(_domain.Map(iova, _target + (((ulong)i & 63) << 12), 4096, Protection.ReadWrite));
            var gather = new InvalidationGather();
            Check(_domain.Unmap(iova, 4096, ref gather, out _));
            _domain.Commit(ref gather);
        }
    }

    public void Dispose() => _machine.Dispose();

    private static void Check(Status status)
    {
        if (status != Status.Ok)
            Fail(status);
    }

    private static void Fail(Status status) => throw new ApertureException(status, $"the work failed: {status}");
}
