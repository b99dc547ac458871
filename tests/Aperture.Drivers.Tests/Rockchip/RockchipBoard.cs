using Aperture.Boards;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Devices;
using Aperture.Drivers.Rockchip;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Translation;
using Aperture.Power;

namespace Aperture.Drivers.Tests.Rockchip;

/// <summary>Rockchip IOMMUs whose clocks their masters hold on.</summary>
public sealed class RockchipBoard(RockchipIommuOptions options, bool keepsReset = false, CpuCacheOptions? caches = null) : UnitBoard(caches)
{
    private PhysicalAddress _registers; // of the unit that is being made

    public MachineClock Time { get; } = new();

    protected override string Kind => "iommu";

    protected override IDriver Driver =>
        new Described(new RockchipIommuDriver(Core, Time), new RockchipIommuDescription(options.IsWide, keepsReset));

    protected override TranslationUnit CreateModel(PhysicalAddress registers)
    {
        _registers = registers;
        return new RockchipIommu(Bus, options);
    }

    protected override uint[] Ids(int master) => [.. Enumerable.Range(0, options.Mmus).Select(mmu => (uint)mmu)];

    protected override void Describe(Device device, TranslationUnit model)
    {
        var unit = (RockchipIommu)model;
        for (var i = 1; i < unit.Mmus.Count; i++)
        {
            var address = _registers + (ulong)(i * 0x1000);
            Bus.Attach(address, unit.Mmus[i]);
            device.Registers.Add(new BusRegisterRegion(Bus, address, unit.Size, $"{device.Name} {i}"));
        }

        Gate[] clocks = [Clock(device, "aclk"), Clock(device, "iface")];
        model.ClockFrom(clocks);
        foreach (var clock in clocks)
            clock.Enable(); // the master's driver does so while the master works
    }

    /// <summary>The driver with what a tree would say.</summary>
    private sealed class Described(RockchipIommuDriver driver, RockchipIommuDescription description) : IDriver
    {
        public string Name => driver.Name;

        public IReadOnlyList<string> Compatible => driver.Compatible;

        public IBoundDriver Probe(Device device) => driver.Probe(device, description);
    }
}
