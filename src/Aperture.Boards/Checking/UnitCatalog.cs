using Aperture.Datasheets.Tegra;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>The kinds of IOMMU that are known, whether or not Aperture has a model of them. The facts are those of the published device tree bindings.</summary>
public static class UnitCatalog
{
    /// <summary>The kinds; the first that matches a node counts.</summary>
    public static IReadOnlyList<UnitKind> Kinds { get; } =
    [
        new("ti,omap2-iommu", "TI OMAP MMU", 0, 0, 0, true),
        new("ti,omap4-iommu", "TI OMAP MMU", 0, 0, 0, true),
        new("ti,dra7-iommu", "TI OMAP MMU", 0, 0, 0, true),
        new("ti,dra7-dsp-iommu", "TI OMAP MMU", 0, 0, 0, true),
        new("samsung,exynos-sysmmu", "Samsung SysMMU", 0, 0, 0, true),
        .. TegraSoc.All.Select(soc => new UnitKind(soc.Compatible, "NVIDIA Tegra SMMU", 1, 1, 127, true, SharesIds: true, soc.Swgroups.Select(swgroup => swgroup.Id).ToHashSet())),
        new("nvidia,tegra20-mc-gart", "NVIDIA Tegra GART", 0, 0, 0, false, SharesIds: true),
        new("nvidia,tegra*-smmu", "NVIDIA Tegra SMMU", 1, 2, uint.MaxValue, false, SharesIds: true),
        new("qcom,apq8064-iommu", "Qualcomm MSM IOMMU", 1, 1, 31, true),
        new("qcom,msm-iommu-v1", "Qualcomm MSM IOMMU", 1, 1, uint.MaxValue, false),
        new("qcom,msm-iommu-v2", "Qualcomm MSM IOMMU", 1, 1, uint.MaxValue, false),
        new("rockchip,iommu", "Rockchip IOMMU", 0, 0, 0, true),
        new("rockchip,rk3568-iommu", "Rockchip IOMMU", 0, 0, 0, true),
        new("rockchip,*iommu", "Rockchip IOMMU", 0, 0, 0, false),
        new("arm,smmu-v3", "Arm SMMUv3", 1, 1, uint.MaxValue, false),
        new("arm,smmu-v*", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("arm,mmu-40*", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("arm,mmu-500", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("qcom,*smmu-v2", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("qcom,smmu-500", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("qcom,*smmu-500", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("cavium,smmu-v2", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("marvell,ap806-smmu-500", "Arm SMMU", 1, 2, 0xFFFF, false, SharesIds: true),
        new("mediatek,mt*-m4u", "MediaTek M4U", 1, 1, uint.MaxValue, false),
        new("mediatek,mt*-iommu*", "MediaTek M4U", 1, 1, uint.MaxValue, false),
        new("renesas,ipmmu-*", "Renesas IPMMU", 1, 1, uint.MaxValue, false),
        new("allwinner,*iommu", "Allwinner IOMMU", 1, 1, uint.MaxValue, false),
        new("apple,*dart", "Apple DART", 1, 1, 255, false),
        new("riscv,iommu", "RISC-V IOMMU", 1, 1, 0xFF_FFFF, false),
        new("riscv,pci-iommu", "RISC-V IOMMU", 1, 1, 0xFF_FFFF, false),
        new("virtio,pci-iommu", "virtio-iommu", 1, 1, uint.MaxValue, false),
    ];

    /// <summary>The kind of a node; null when it is none that is known.</summary>
    public static UnitKind? Find(DeviceTreeNode node)
    {
        // The most specific string comes first in the node, and decides.
        foreach (var compatible in node.Compatible)
        {
            foreach (var kind in Kinds)
            {
                if (kind.Matches(compatible))
                    return kind;
            }
        }
        return null;
    }
}
