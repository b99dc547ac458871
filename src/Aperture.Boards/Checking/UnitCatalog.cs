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
        // vendors' kernels; before those of mainline, whose patterns some fit as well
        new("qcom,msm-smmu-v*", "Qualcomm MSM IOMMU", 1, 2, uint.MaxValue) { IsOlder = true },
        new("rockchip,*_mmu", "Rockchip IOMMU", 0, 1, uint.MaxValue) { IsOlder = true },
        new("samsung,exynos-sysmmu-v*", "Samsung SysMMU", 0, 1, uint.MaxValue) { IsOlder = true },
        new("allwinner,sunxi-iommu", "Allwinner IOMMU", 1, 2, uint.MaxValue) { IsOlder = true },
        new("hisilicon,hisi-smmu*", "HiSilicon SMMU", 0, 1, uint.MaxValue) { IsOlder = true },
        new("sprd,iommuva*", "Unisoc IOMMU", 0, 1, uint.MaxValue) { IsOlder = true },
        // arm,smmu
        .. ((string[])
        [
            "arm,smmu-v1", "arm,smmu-v2", "arm,mmu-40*", "arm,mmu-500", "cavium,smmu-v2", "marvell,ap806-smmu-500", "nvidia,smmu-500",
            "qcom,adreno-smmu", "qcom,smmu-v2", "qcom,*-smmu-v2", "qcom,smmu-500", "qcom,*-smmu-500",
            "qcom,qsmmu-v500",
        ]).Select(name => new UnitBinding(name, "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true) { HasMasks = true }),
        // arm,smmu-v3 with NVIDIA's queues
        new("nvidia,tegra264-smmu", "Arm SMMUv3", 1, 1, uint.MaxValue),
        // nvidia,tegra30-smmu and nvidia,tegra20-mc, before the memory controllers took them in; nvidia,tegra186 and later are Arm's
        new("nvidia,tegra20-mc-gart", "NVIDIA Tegra GART", 0, 0, 0, SharesIds: true),
        new("nvidia,tegra20-gart", "NVIDIA Tegra GART", 0, 0, 0, SharesIds: true) { IsOlder = true },
        .. ((string[])["nvidia,tegra186-smmu", "nvidia,tegra194-smmu", "nvidia,tegra234-smmu"])
            .Select(name => new UnitBinding(name, "Arm SMMU", 1, 2, 0xFFFF, SharesIds: true) { HasMasks = true }),
        new("nvidia,tegra*-smmu", "NVIDIA Tegra SMMU", 1, 2, uint.MaxValue, SharesIds: true) { IsOlder = true },
        // qcom,iommu: context banks are nodes below, and only some units have global registers that the system may touch
        .. ((string[])["qcom,msm-iommu-v1", "qcom,msm-iommu-v2"])
            .Select(name => new UnitBinding(name, "Qualcomm MSM IOMMU", 1, 1, uint.MaxValue) { MayLackRegisters = true }),
        new("mediatek,mt*-m4u", "MediaTek M4U", 1, 1, uint.MaxValue),
        new("mediatek,mt*-iommu-*", "MediaTek M4U", 1, 1, uint.MaxValue),
        new("renesas,ipmmu-*", "Renesas IPMMU", 1, 1, uint.MaxValue),
        new("renesas,rcar-*-ipmmu-vmsa", "Renesas IPMMU", 1, 1, uint.MaxValue),
        new("allwinner,sun*-iommu", "Allwinner IOMMU", 1, 1, uint.MaxValue),
        new("apple,t*-dart", "Apple DART", 1, 1, 255) { BlocksWhenOff = true },
        new("apple,t*-sart", "Apple SART", 0, 0, 0) { IsReferredTo = false },
        .. ((string[])["riscv,iommu", "riscv,pci-iommu", "qemu,riscv-iommu", "pci1efd,edf1"])
            .Select(name => new UnitBinding(name, "RISC-V IOMMU", 1, 1, 0xFF_FFFF) { BlocksWhenOff = true }),
        new("rockchip,iommu-v2", "Rockchip IOMMU", 0, 0, 0),
        new("rockchip,rk*-iommu", "Rockchip IOMMU", 0, 0, 0),
        new("verisilicon,iommu-1.2", "VeriSilicon IOMMU", 0, 0, 0),
        new("sprd,iommu-v1", "Unisoc IOMMU", 0, 0, 0),
        new("virtio,pci-iommu", "virtio-iommu", 1, 1, uint.MaxValue),
        new("pci1af4,1057", "virtio-iommu", 1, 1, uint.MaxValue),
        new("virtio,mmio", "virtio-iommu", 1, 1, uint.MaxValue) { NeedsCells = true }, // any virtio device; an IOMMU if it has #iommu-cells
        new("xen,grant-dma", "Xen grant DMA", 1, 1, uint.MaxValue, SharesIds: true) { MayLackRegisters = true },
        new("fsl,pamu*", "Freescale PAMU", 0, 0, 0) { IsReferredTo = false },
    ];

    /// <summary>The binding of a node; null when it is none that is known.</summary>
    public static UnitBinding? Find(DeviceTreeNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        // The most specific string comes first in the node, and decides.
        var hasCells = node.Has("#iommu-cells");
        return node.Compatible
            .Select(name => Bindings.FirstOrDefault(binding => (hasCells || !binding.NeedsCells) && binding.Matches(name)))
            .FirstOrDefault(found => found is not null);
    }
}
