using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Drivers.Msm;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Msm;

/// <summary>MSM IOMMUs whose registers answer only while their clocks run. Each master has two machine IDs.</summary>
public sealed class MsmBoard(MsmIommuOptions options, CpuCacheOptions? caches = null, Func<ITableMemory, ITableMemory>? tables = null,
    int reservedBanks = 0) : UnitBoard(caches, tables)
{
    private DescribedDriver? _driver;

    public override bool TellsMastersApart => true;

    protected override string Kind => "iommu";

    protected override IDriver Driver =>
        _driver ??= new DescribedDriver(new MsmIommuDriver(Core),
        new MsmIommuDescription { Banks = options.Banks, ReservedBanks = reservedBanks });

    protected override TranslationUnit CreateModel(PhysicalAddress registers) => new MsmIommu(Bus, options);

    protected override uint[] Ids(int master) => [(uint)master * 2, ((uint)master * 2) + 1];

    protected override void Describe(Device device, TranslationUnit model) =>
        model.ClockFrom(Clock(device, "smmu_pclk"), Clock(device, "iommu_clk"));

    /// <summary>The driver, told what a device tree would tell it.</summary>
    private sealed class DescribedDriver(MsmIommuDriver driver, MsmIommuDescription description) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device) => driver.Probe(device, description);
    }
}
