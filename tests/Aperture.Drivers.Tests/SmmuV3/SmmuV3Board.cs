using Aperture.Boards;
using Aperture.Boards.Wiring;
using Aperture.Core;
using Aperture.Core.Memory;
using Aperture.Core.PageTables;
using Aperture.Devices;
using Aperture.Drivers.SmmuV3;
using Aperture.Drivers.Tests.Iommu;
using Aperture.Hardware.SmmuV3;
using Aperture.Hardware.Translation;

namespace Aperture.Drivers.Tests.SmmuV3;

/// <summary>SMMUv3s with a line for each cause. Each master has two streams, which lie in different parts of the stream table.</summary>
public sealed class SmmuV3Board(
    SmmuV3Options options,
    SmmuV3DriverOptions? driver = null,
    CpuCacheOptions? caches = null,
    Func<ITableMemory, ITableMemory>? tables = null)
    : UnitBoard(caches, tables)
{
    private SmmuV3Driver? _driver;

    public MachineClock Time { get; } = new();

    public override bool TellsMastersApart => true;

    public override bool ReportsEachFault => true;

    /// <summary>The number of a machine and its tables lie in different words of an entry.</summary>
    public override bool RefusesWhileSwitching => !options.HasStage1;

    protected override string Kind => "iommu";

    protected override IDriver Driver => _driver ??= new SmmuV3Driver(Core, Time, driver);

    /// <summary>What happens to a model before its driver comes.</summary>
    public Action<UnitBoard, Hardware.SmmuV3.SmmuV3>? Prepare { get; init; }

    protected override TranslationUnit CreateModel(PhysicalAddress registers)
    {
        var model = new Hardware.SmmuV3.SmmuV3(Bus, options);
        Prepare?.Invoke(this, model);
        return model;
    }

    protected override uint[] Ids(int master) => [(uint)master, (uint)master + 0x300];

    protected override void Describe(Device device, TranslationUnit model)
    {
        foreach (var line in model.Interrupts.Skip(1))
        {
            var wire = new InterruptWire($"{device.Name} {line.Name}");
            wire.Connect(line);
            device.Interrupts.Add(wire.Input);
        }
    }
}
