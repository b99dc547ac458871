using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Drivers.Omap;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.Omap;

/// <summary>OMAP MMUs; with a DSP_SYSTEM block where they need one.</summary>
public sealed class OmapBoard(OmapMmuOptions options, OmapMmuDescription description, CpuCacheOptions? caches = null, Func<ITableMemory,
    ITableMemory>? tables = null)
    : UnitBoard(caches, tables)
{
    private static readonly PhysicalAddress s_system = new(0x40D0_0000);

    private OmapIommuDriver? _driver;
    private DspSystem? _dsp;
    private int _instance; // the next MMU's number at the DSP

    public DspSystem? Dsp => _dsp;

    protected override string Kind => "mmu";

    protected override IDriver Driver =>
        new Described(_driver ??= new OmapIommuDriver(Core),
        description with { SystemInstance = description.NeedsSystem ? _instance - 1 : null });

    protected override TranslationUnit CreateModel(PhysicalAddress registers)
    {
        var mmu = new OmapMmu(Bus, options);
        if (!description.NeedsSystem)
            return mmu;
        if (_dsp is null)
        {
            _dsp = new DspSystem();
            Bus.Attach(s_system, _dsp);
        }

        _dsp.Connect(_instance++, mmu);
        return mmu;
    }

    protected override void Describe(Device device, TranslationUnit model)
    {
        if (_dsp is not null)
            device.Registers.Add(new BusRegisterRegion(Bus, s_system, _dsp.Size, "40d00000.dsp_system"));
    }

    private sealed class Described(OmapIommuDriver driver, OmapMmuDescription description) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device) => driver.Probe(device, description);
    }
}
