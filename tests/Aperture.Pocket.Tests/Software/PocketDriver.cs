using Aperture.Core;
using Aperture.Devices;
using Aperture.Iommu;
using Aperture.Pocket.Tests.Hardware;

namespace Aperture.Pocket.Tests.Software;

/// <summary>Driver of the Pocket MMU.</summary>
internal sealed class PocketDriver(IommuCore core, bool canBypass = true) : IIommuDriver
{
    public string Name => "pocket-mmu";

    public IReadOnlyList<string> Compatible { get; } = ["test,pocket-mmu"];

    public MasterGrouping GroupingOf(Device unit) => MasterGrouping.ByUnit;

    public IBoundDriver Probe(Device device)
    {
        if (device.Registers[0].Read32(PocketRegister.Id) != PocketRegister.IdValue)
            throw new ApertureException(Status.NoDevice, $"{device.Name} is no Pocket MMU");
        var unit = new PocketUnit(device, core, canBypass);
        device.Manage(device.Interrupts[0].Request(unit.OnInterrupt));
        device.Manage(core.Register(unit));
        unit.RuntimeResume();
        return unit;
    }
}
