using Aperture.Conformance.Drivers;
using Aperture.Datasheets.Exynos;
using Aperture.DeviceTrees;
using Aperture.Drivers.Exynos;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Units;

/// <summary>Samsung's SysMMUs. No tree states the version: it is assumed from the SoC, or told.</summary>
/// <param name="options">The SysMMU of every unit; null for the one that the SoC is assumed to have (docs/units/exynos-sysmmu.md).</param>
public sealed class ExynosUnitKind(SysMmuOptions? options = null) : UnitKind
{
    private const ulong Smallest = 0x100;
    private const ulong SmallestV7 = 0x1000; // the capabilities lie beyond 0x800
    private const ulong SmallestVm = SysMmuVmRegister.Block + SysMmuVmRegister.BlockStride;

    /// <inheritdoc/>
    public override IReadOnlyList<UnitBinding> Bindings { get; } =
    [
        new("samsung,exynos-sysmmu", "Samsung SysMMU", 0, 0, 0)
        {
            Clocks = [["sysmmu"], ["aclk", "pclk"]],
            OtherClocks = ["master"],
            MastersClocks = ["master"],
        },
    ];

    /// <inheritdoc/>
    public override DriverFamily Conformance { get; } = new ExynosDriverFamily();

    /// <inheritdoc/>
    public override ulong SmallestWindow(DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return new SysMmuVersion(OptionsOf(node.Tree.Root, 0).Version).Major >= 7 ? SmallestV7 : Smallest;
    }

    /// <inheritdoc/>
    public override TranslationUnit CreateModel(UnitSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        return new ExynosSysMmu(site.Bus, OptionsOf(site.Node.Tree.Root, site.Size) with { WindowSize = site.Size });
    }

    /// <inheritdoc/>
    public override IIommuDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new ExynosIommuDriver(machine.Iommu);
    }

    /// <summary>Inferred (no manual is public): Exynos3250 and 4210 carry version 1, 4x12 to 542x version 3.3, 5433 version 5,
    /// and those after it version 7 with VM registers where the register window has room for them.</summary>
    private SysMmuOptions OptionsOf(DeviceTreeNode root, ulong window)
    {
        if (options is not null)
            return options;
        if (root.IsCompatible("samsung,exynos3250") || root.IsCompatible("samsung,exynos4210"))
            return SysMmuOptions.V1;
        if (root.IsCompatible("samsung,exynos4") || root.IsCompatible("samsung,exynos5"))
            return SysMmuOptions.V33;
        if (root.IsCompatible("samsung,exynos5433"))
            return SysMmuOptions.V5;
        return window < SmallestVm ? SysMmuOptions.V7 : SysMmuOptions.V7Vm;
    }
}
