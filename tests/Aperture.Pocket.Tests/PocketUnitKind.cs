using Aperture.Boards;
using Aperture.Boards.Checking;
using Aperture.Boards.Units;
using Aperture.Conformance.Drivers;
using Aperture.DeviceTrees;
using Aperture.Hardware.Translation;
using Aperture.Iommu;
using Aperture.Pocket.Tests.Conform;
using Aperture.Pocket.Tests.Hardware;
using Aperture.Pocket.Tests.Software;

namespace Aperture.Pocket.Tests;

/// <summary>All that boards have to know of the Pocket MMU.</summary>
internal sealed class PocketUnitKind : UnitKind
{
    public override IReadOnlyList<UnitBinding> Bindings { get; } = [new("test,pocket-mmu", "Pocket MMU", 0, 0, 0)];

    public override DriverFamily Conformance { get; } = new PocketDriverFamily();

    public override ulong SmallestWindow(DeviceTreeNode node) => PocketRegister.WindowSize;

    public override ulong LargestWindow(DeviceTreeNode node) => 0x1000;

    public override TranslationUnit CreateModel(UnitSite site) => new PocketMmu(site.Bus);

    public override IIommuDriver CreateDriver(Machine machine) => new PocketDriver(machine.Iommu);

    public override void Check(UnitCheck check)
    {
        if (check.Node.Has("test,pockets"))
            check.Problem(FindingCode.Reg, "has test,pockets, which no Pocket MMU knows: remove it");
    }
}
