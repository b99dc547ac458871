using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Drivers.Exynos;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Exynos;

/// <summary>SysMMUs whose registers answer only while their clocks run.</summary>
public sealed class ExynosBoard(SysMmuOptions options, CpuCacheOptions? caches = null, Func<ITableMemory, ITableMemory>? tables = null,
    ExynosDriverOptions? driver = null) : UnitBoard(caches, tables)
{
    private ExynosIommuDriver? _driver;

    public ExynosIommuDriver SysMmuDriver => _driver ??= new ExynosIommuDriver(Core, driver);

    protected override string Kind => "sysmmu";

    protected override IDriver Driver => SysMmuDriver;

    protected override TranslationUnit CreateModel(PhysicalAddress registers) => new ExynosSysMmu(Bus, options);

    protected override void Describe(Device device, TranslationUnit model)
    {
        Gate[] clocks = options.Layout == SysMmuLayout.V1
            ? [Clock(device, "sysmmu"), Clock(device, "master")]
            : [Clock(device, "aclk"), Clock(device, "pclk")];
        model.ClockFrom(clocks);
        if (options.Layout == SysMmuLayout.V1)
            clocks[1].Enable(); // the master's driver holds it while the master works
    }
}
