using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Drivers.Tegra;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Tegra;

/// <summary>Memory controllers whose registers answer only while their clock runs. A master has a swgroup of its own.</summary>
public sealed class TegraBoard(TegraSmmuOptions options, TegraDriverOptions? driverOptions = null, CpuCacheOptions? caches = null,
    Func<ITableMemory, ITableMemory>? tables = null) : UnitBoard(caches, tables)
{
    private TegraIommuDriver? _driver;

    /// <summary>Swgroups that belong to no group.</summary>
    public uint[] Swgroups { get; } =
        [.. options.Soc.Swgroups.Select(swgroup => swgroup.Id).Where(id => !options.Soc.Groups.Any(group => group.Swgroups.Contains(id)))];

    public override bool TellsMastersApart => true;

    public override bool ReportsEachFault => true;

    protected override string Kind => "memory-controller";

    protected override IDriver Driver => _driver ??= new TegraIommuDriver(Core, options: driverOptions);

    protected override string? Compatible => options.Soc.Compatible;

    protected override uint[] Ids(int master) => [Swgroups[master % Swgroups.Length]];

    protected override TranslationUnit CreateModel(PhysicalAddress registers) => new TegraSmmu(Bus, options);

    protected override void Describe(Device device, TranslationUnit model) => model.ClockFrom(Clock(device, "mc"));
}
