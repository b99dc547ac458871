using Aperture.Boards.Checking;
using Aperture.Conformance.Drivers;
using Aperture.Core;
using Aperture.Datasheets.Rockchip;
using Aperture.DeviceTrees;
using Aperture.Drivers.Rockchip;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Translation;
using Aperture.Iommu;

namespace Aperture.Boards.Units;

/// <summary>Rockchip's IOMMUs, versions 1 and 2: one MMU for each register window, all of which work as one.</summary>
/// <param name="tableBits">Page tables of version 2 lie below 2^this: 32, the default and the safe side, or 40
/// (docs/units/rockchip-iommu.md). Those of version 1 always lie below 4 GiB.</param>
public sealed class RockchipUnitKind(int tableBits = 32) : UnitKind
{
    private const string Wide = "rockchip,rk3568-iommu";

    /// <inheritdoc/>
    public override IReadOnlyList<UnitBinding> Bindings { get; } =
        [.. ((string[])["rockchip,iommu", Wide]).Select(name => new UnitBinding(name, "Rockchip IOMMU", 0, 0, 0)
        {
            Clocks = [["aclk", "iface"]],
            MayLackClocks = true,
            MastersClocks = ["aclk", "iface"],
            SwitchesAllClocks = true,
            TableBits = name == Wide ? tableBits : 32,
        })];

    /// <inheritdoc/>
    public override DriverFamily Conformance { get; } = new RockchipDriverFamily();

    /// <inheritdoc/>
    public override ulong SmallestWindow(DeviceTreeNode node) => RockchipMmuRegister.Size;

    /// <inheritdoc/>
    public override TranslationUnit CreateModel(UnitSite site)
    {
        ArgumentNullException.ThrowIfNull(site);
        var isWide = site.Node.IsCompatible(Wide);
        var options = new RockchipIommuOptions { IsWide = isWide, Mmus = site.Windows.Length, WindowSize = site.Size };
        var unit = new RockchipIommu(site.Bus, options);
        for (var i = 1; i < unit.Mmus.Count; i++)
        {
            if (site.Windows[i].Length != site.Size)
                throw new ApertureException(
                    Status.InvalidArgument, "the MMUs of an IOMMU have register windows of one size that the CPU can reach");
            site.AttachWindow(i, unit.Mmus[i]);
        }

        return unit;
    }

    /// <inheritdoc/>
    /// <remarks>All MMUs of a unit have windows of one size.</remarks>
    public override void Check(UnitCheck check)
    {
        ArgumentNullException.ThrowIfNull(check);
        var windows = check.Node.Registers();
        if (windows.Any(window => window.Address is null || window.Length != windows[0].Length))
            check.Problem(
                FindingCode.Reg,
                $"reg has windows of {string.Join(", ", windows.Select(window => $"0x{window.Length:x}"))} bytes, but the MMUs of one "
                    + $"unit are "
                    + "alike, and the CPU reaches all: correct them");
    }

    /// <inheritdoc/>
    public override IIommuDriver CreateDriver(Machine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return new RockchipIommuDriver(machine.Iommu, machine.Clock, tableBits);
    }
}
