using Aperture.Boards.Units;
using Aperture.DeviceTrees;

namespace Aperture.Boards.Checking;

/// <summary>The kinds of IOMMU that are known by their bindings but have no model; those that have one are <see cref="UnitKind"/>s. The
/// facts are those of the published device tree bindings.</summary>
public static class UnitCatalog
{
    /// <summary>The kinds; the first that matches a node counts.</summary>
    public static IReadOnlyList<UnitBinding> Bindings { get; } =
    [
        new("nvidia,tegra20-mc-gart", "NVIDIA Tegra GART", 0, 0, 0, SharesIds: true),
        new("nvidia,tegra*-smmu", "NVIDIA Tegra SMMU", 1, 2, uint.MaxValue, SharesIds: true),
        new("qcom,msm-iommu-v1", "Qualcomm MSM IOMMU", 1, 1, uint.MaxValue),
        new("qcom,msm-iommu-v2", "Qualcomm MSM IOMMU", 1, 1, uint.MaxValue),
        new("rockchip,*iommu", "Rockchip IOMMU", 0, 0, 0),
        new("arm,smmu-v3", "Arm SMMUv3", 1, 1, uint.MaxValue),
        new("arm,smmu-v*", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("arm,mmu-40*", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("arm,mmu-500", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("qcom,*smmu-v2", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("qcom,smmu-500", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("qcom,*smmu-500", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("cavium,smmu-v2", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("marvell,ap806-smmu-500", "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true),
        new("mediatek,mt*-m4u", "MediaTek M4U", 1, 1, uint.MaxValue),
        new("mediatek,mt*-iommu*", "MediaTek M4U", 1, 1, uint.MaxValue),
        new("renesas,ipmmu-*", "Renesas IPMMU", 1, 1, uint.MaxValue),
        new("allwinner,*iommu", "Allwinner IOMMU", 1, 1, uint.MaxValue),
        new("apple,*dart", "Apple DART", 1, 1, 255),
        new("riscv,iommu", "RISC-V IOMMU", 1, 1, 0xFF_FFFF),
        new("riscv,pci-iommu", "RISC-V IOMMU", 1, 1, 0xFF_FFFF),
        new("virtio,pci-iommu", "virtio-iommu", 1, 1, uint.MaxValue),
    ];

    /// <summary>The binding of a node; null when it is none that is known.</summary>
    public static UnitBinding? Find(DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        // The most specific string comes first in the node, and decides.
        return node.Compatible.Select(name => Bindings.FirstOrDefault(binding => binding.Matches(name)))
            .FirstOrDefault(found => found is not null);
    }
}
