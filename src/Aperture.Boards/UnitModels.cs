using Aperture.Core;
using Aperture.Datasheets.Exynos;
using Aperture.Datasheets.Msm;
using Aperture.Datasheets.Omap;
using Aperture.Datasheets.Rockchip;
using Aperture.Datasheets.Tegra;
using Aperture.DeviceTrees;
using Aperture.Hardware.Bus;
using Aperture.Hardware.Exynos;
using Aperture.Hardware.Msm;
using Aperture.Hardware.Omap;
using Aperture.Hardware.Rockchip;
using Aperture.Hardware.Tegra;
using Aperture.Hardware.Translation;

namespace Aperture.Boards;

/// <summary>Which model stands for which IOMMU node. Facts about SoCs that no tree states are assumptions, documented in
/// docs/units.</summary>
internal static class UnitModels
{
    /// <summary>The most bytes of registers that a block takes which nobody says more about.</summary>
    public const ulong LargestWindow = 0x1_0000;

    private const string Msm = "qcom,apq8064-iommu";
    private const string RockchipV1 = "rockchip,iommu";
    private const string RockchipV2 = "rockchip,rk3568-iommu";
    private const ulong SmallestSysMmu = 0x100;
    private const ulong SmallestSysMmuV7 = 0x1000; // the capabilities lie beyond 0x800
    private const ulong SmallestSysMmuVm = SysMmuVmRegister.Block + SysMmuVmRegister.BlockStride;

    /// <summary>Whether there is a model for a node.</summary>
    public static bool Has(DeviceTreeNode node) => Kind(node) is not null;

    /// <summary>The fewest bytes of registers that the unit of a node can be driven with.</summary>
    public static ulong SmallestWindow(DeviceTreeNode node) => Kind(node) switch
    {
        Msm => MsmGlobalRegisters.WindowSize,
        "samsung,exynos-sysmmu" => new SysMmuVersion(SysMmu(node.Tree.Root, 0).Version).Major >= 7 ? SmallestSysMmuV7 : SmallestSysMmu,
        { } compatible when TegraSoc.Find(compatible) is { } soc => Tegra(soc).WindowSize,
        RockchipV1 or RockchipV2 => RockchipMmuRegister.Size,
        _ => OmapRegisters.EmuFaultAddress,
    };

    /// <summary>The most bytes of registers that the unit of a node has.</summary>
    public static ulong LargestWindowOf(DeviceTreeNode node) => Kind(node) == Msm ? MsmGlobalRegisters.WindowSize : LargestWindow;

    /// <summary>Whether the driver of a node's unit provides the gates that others get from the node, rather than the board.</summary>
    public static bool ProvidesGates(DeviceTreeNode node) => Kind(node) is { } compatible && TegraSoc.Find(compatible) is not null;

    /// <summary>Makes the model of a node whose registers take <paramref name="size"/> bytes.</summary>
    /// <exception cref="ApertureException">There is no such unit; the message names the node.</exception>
    public static TranslationUnit Create(DeviceTreeNode node, ulong size, SystemBus bus, MachineOptions options)
    {
        if (size > LargestWindowOf(node))
            throw new ApertureException(Status.InvalidArgument, $"{node.Path}: a register window of 0x{size:x} bytes is more than an IOMMU has");
        try
        {
            return Kind(node) switch
            {
                "samsung,exynos-sysmmu" => new ExynosSysMmu(bus, (options.SysMmu ?? SysMmu(node.Tree.Root, size)) with { WindowSize = (uint)size }),
                Msm => new MsmIommu(bus, options.Msm with { Banks = Banks(node, size) }),
                { } compatible when TegraSoc.Find(compatible) is { } soc => new TegraSmmu(bus, Tegra(soc) with { WindowSize = (uint)size }),
                RockchipV1 or RockchipV2 => new RockchipIommu(bus, Rockchip(node) with { WindowSize = (uint)size }),
                { } compatible => new OmapMmu(bus, Omap(node, compatible) with { WindowSize = (uint)size }),
                null => throw new ApertureException(Status.NotSupported, "this is no IOMMU that is modelled"),
            };
        }
        catch (ApertureException e)
        {
            throw new ApertureException(e.Status, $"{node.Path}: {e.Message}", e);
        }
    }

    private static string? Kind(DeviceTreeNode node) =>
        node.Compatible.FirstOrDefault(name => name is "ti,omap2-iommu" or "ti,omap4-iommu" or "ti,dra7-iommu" or "ti,dra7-dsp-iommu" or "samsung,exynos-sysmmu" or Msm
            or RockchipV1 or RockchipV2
            || TegraSoc.Find(name) is not null);

    /// <summary>One MMU for each register window.</summary>
    private static RockchipIommuOptions Rockchip(DeviceTreeNode node) =>
        new() { IsWide = node.IsCompatible(RockchipV2), Mmus = node.Registers().Length };

    private static TegraSmmuOptions Tegra(TegraSoc soc) => TegraSmmuOptions.All.First(options => options.Soc == soc);

    private static OmapMmuOptions Omap(DeviceTreeNode node, string compatible)
    {
        var returnsErrors = node.Has("ti,iommu-bus-err-back");
        var options = compatible switch
        {
            "ti,omap2-iommu" => node.Tree.Root.IsCompatible("ti,omap2") ? OmapMmuOptions.Omap2 : OmapMmuOptions.Omap3,
            "ti,dra7-dsp-iommu" => OmapMmuOptions.Dra7Dsp,
            "ti,dra7-iommu" => OmapMmuOptions.Dra7Ipu,
            _ => returnsErrors ? OmapMmuOptions.Omap4Ipu : OmapMmuOptions.Omap4Dsp,
        };
        return options with { TlbEntries = (int)Math.Min(node.U32("ti,#tlb-entries") ?? 32, 32) };
    }

    private static int Banks(DeviceTreeNode node, ulong size)
    {
        if (size != MsmGlobalRegisters.WindowSize)
            throw new ApertureException(Status.InvalidArgument, $"an MSM IOMMU has 0x{MsmGlobalRegisters.WindowSize:x} bytes of registers, not 0x{size:x}");
        return (int)Math.Min(node.U32("qcom,ncb") ?? throw new ApertureException(Status.InvalidArgument, "qcom,ncb, the number of context banks, is not one number"), int.MaxValue);
    }

    /// <summary>Inferred (no manual is public): Exynos3250 and 4210 carry version 1, 4x12 to 542x version 3.3, 5433 version 5,
    /// and those after it version 7 with VM registers where the register window has room for them.</summary>
    private static SysMmuOptions SysMmu(DeviceTreeNode root, ulong window)
    {
        if (root.IsCompatible("samsung,exynos3250") || root.IsCompatible("samsung,exynos4210"))
            return SysMmuOptions.V1;
        if (root.IsCompatible("samsung,exynos4") || root.IsCompatible("samsung,exynos5"))
            return SysMmuOptions.V33;
        if (root.IsCompatible("samsung,exynos5433"))
            return SysMmuOptions.V5;
        return window < SmallestSysMmuVm ? SysMmuOptions.V7 : SysMmuOptions.V7Vm;
    }
}
